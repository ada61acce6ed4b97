"""Rows in force for a span of local days [valid_from, valid_to), of which no two may overlap."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.migrations.operations import RunSQL
from django.db.models import CheckConstraint, F, Model, Q
from django.utils.translation import gettext as _

DATED_KEY_FUNCTION = """
CREATE FUNCTION dated_key(id bigint, valid_from date, valid_to date) RETURNS int8range LANGUAGE sql IMMUTABLE AS $$
    SELECT int8range(id * 10000000 + (valid_from - date '1900-01-01'),
                     id * 10000000 + coalesce(valid_to - date '1900-01-01', 9999999))
$$
"""
DROP_DATED_KEY = "DROP FUNCTION dated_key(bigint, date, date)"


def ends_after_start(name: str) -> CheckConstraint:
    """valid_to, exclusive, lies after valid_from or is open."""
    return CheckConstraint(name=name, condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")))


def exclude_overlap(table: str, column: str) -> Any:
    """Refuse two rows of one `column` that are in force on the same day.

    The id and the days make one range of whole numbers, so that no PostgreSQL extension is needed.
    """
    return RunSQL(
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_overlap" '
        f'EXCLUDE USING gist (dated_key("{column}", valid_from, valid_to) WITH &&)',
        f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_overlap"',
    )


def refuse_overlap(row: Model, column: str) -> None:
    """Raise a ValidationError that names the row which `row` overlaps, before the database does without a name."""
    key = getattr(row, f"{column}_id")
    if key is not None:
        refuse_overlap_among(row, **{f"{column}_id": key})


def refuse_overlap_among(row: Model, **same: Any) -> None:
    """Raise a ValidationError that names the row of the `same` values which `row` overlaps."""
    values: Any = row
    if values.valid_from is None:
        return
    others = type(row)._default_manager.filter(Q(valid_to=None) | Q(valid_to__gt=values.valid_from))
    others = others.filter(**same).exclude(pk=row.pk)
    if values.valid_to is not None:
        others = others.filter(valid_from__lt=values.valid_to)
    other = others.first()
    if other is not None:
        raise ValidationError(_("Overlaps “%(other)s”: end that one first.") % {"other": other})
