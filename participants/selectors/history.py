"""The history of changes, as people read it: names instead of columns, words instead of keys."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce
from django.utils import formats
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from participants.models import Application, ApplicationDocument, ApplicationEvent, ApplicationPoint, Change, User

EMPTY = "–"
#: Said by the row itself, so never listed among its fields.
_UNSAID = frozenset({"id", "cluster_id"})
_PARTS_OF_APPLICATIONS = [
    model._meta.db_table for model in (ApplicationPoint, ApplicationDocument, ApplicationEvent)
]  # fmt: skip
Names = Mapping[type[models.Model], Mapping[Any, str]]


@dataclass(frozen=True)
class Difference:
    """One field before and after; both texts are for people."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class Entry:
    """One change: who did what to which row, and when."""

    at: dt.datetime
    user: User | None
    operation: str
    operation_words: str
    kind: str
    row: str
    differences: list[Difference]


def without_drafts(changes: models.QuerySet[Change]) -> models.QuerySet[Change]:
    """Leaves out what concerns applications that were never sent in: they are their applicants' alone."""
    named = Coalesce(KeyTextTransform("application_id", "after"), KeyTextTransform("application_id", "before"))
    concerned = Case(
        When(table_name=Application._meta.db_table, then=F("row_id")),
        When(table_name__in=_PARTS_OF_APPLICATIONS, then=Cast(named, models.BigIntegerField())),
        output_field=models.BigIntegerField(),
    )
    unsent = Application.objects.filter(submitted_at=None).values("pk")
    return changes.annotate(application=concerned).filter(Q(application=None) | ~Q(application__in=unsent))


def entries(changes: Iterable[Change]) -> list[Entry]:
    """The changes in words. As many queries as the changed rows point at different tables, however many changes."""
    changes = list(changes)
    tables = {model._meta.db_table: model for model in apps.get_models()}
    names = _names(changes, tables)
    return [_entry(change, tables.get(change.table_name), names) for change in changes]


def _entry(change: Change, model: type[models.Model] | None, names: Names) -> Entry:
    return Entry(
        at=change.at,
        user=change.user,
        operation=change.operation,
        operation_words=change.get_operation_display(),
        kind=str(model._meta.verbose_name) if model else change.table_name,
        row=_row_name(change, model, names),
        differences=_differences(change, model, names),
    )


def _row_name(change: Change, model: type[models.Model] | None, names: Names) -> str:
    found = names.get(model, {}).get(change.row_id) if model else None
    values = change.after or change.before or {}
    return found or str(values.get("code") or values.get("name") or f"#{change.row_id}")


def _differences(change: Change, model: type[models.Model] | None, names: Names) -> list[Difference]:
    before, after = change.before or {}, change.after or {}
    found = []
    for column in _in_order({*before, *after}, model):
        was, is_now = before.get(column), after.get(column)
        if column in _UNSAID or was == is_now or (was in (None, "") and is_now in (None, "")):
            continue
        field = _field(model, column)
        label = str(field.verbose_name) if field is not None else column
        found.append(Difference(_capital(label), _words(was, field, names), _words(is_now, field, names)))
    return found


def _in_order(columns: set[str], model: type[models.Model] | None) -> list[str]:
    """The columns as the model has them, what it no longer has at the end."""
    known = [field.column for field in model._meta.concrete_fields] if model else []
    return [*(column for column in known if column in columns), *sorted(columns.difference(known))]


def _field(model: type[models.Model] | None, column: str) -> Any:
    fields = model._meta.concrete_fields if model else ()
    return next((field for field in fields if field.column == column), None)


def _words(value: Any, field: Any, names: Names) -> str:
    if value is None or value == "":
        return EMPTY
    if isinstance(field, models.ForeignKey):
        return names.get(field.related_model, {}).get(value, f"#{value}")
    if field is not None and field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(field, models.DateTimeField):
        moment = parse_datetime(value) if isinstance(value, str) else None
        return f"{moment:%Y-%m-%d %H:%M:%SZ}" if moment else str(value)
    if isinstance(field, models.DateField):
        day = parse_date(value) if isinstance(value, str) else None
        return str(formats.date_format(day, "DATE_FORMAT")) if day else str(value)
    if isinstance(field, models.DecimalField) and not isinstance(value, str):
        return str(formats.number_format(Decimal(str(value)).normalize(), use_l10n=True))
    return str(value)


def _names(changes: Iterable[Change], tables: Mapping[str, type[models.Model]]) -> Names:
    """What the rows that changed, and those that they name, are called now."""
    wanted: dict[type[models.Model], set[Any]] = defaultdict(set)
    for change in changes:
        model = tables.get(change.table_name)
        if model is None:
            continue
        wanted[model].add(change.row_id)
        for field in model._meta.concrete_fields:
            if isinstance(field, models.ForeignKey) and field.name != "cluster":
                values = ((change.before or {}).get(field.column), (change.after or {}).get(field.column))
                wanted[field.related_model].update(value for value in values if value is not None)
    return {
        model: {row.pk: str(row) for row in model._base_manager.select_related().filter(pk__in=keys)}
        for model, keys in wanted.items()
        if keys
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
