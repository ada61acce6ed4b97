"""Finds changes by indexes: by who did it, by what the changed row is called today, or by the local day.

What was noted is JSON, which no index serves under row-level security: names are looked for in the tables themselves.
"""

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.dateparse import parse_date

from metering.domain.calendar import local_midnight
from participants.models import Change, User
from participants.tenancy.ddl import tenant_models

#: What a row may be called by.
_NAMES = ("code", "name", "number", "subject")
#: Rows of one table, and people, that one search follows.
MOST = 200


def audited_models() -> list[type[models.Model]]:
    """The models whose changes are noted."""
    return [model for model in tenant_models() if model.audited]


def found_by(changes: models.QuerySet[Change], text: str, tz: ZoneInfo) -> models.QuerySet[Change]:
    """Those of the day if `text` is one (2026-06-11), else by people or of rows that are called so. Needs the scope."""
    day = _day(text)
    if day is not None:
        return changes.filter(at__gte=local_midnight(day, tz), at__lt=local_midnight(day + dt.timedelta(days=1), tz))
    users = list(User.objects.filter(email__icontains=text).values_list("pk", flat=True)[:MOST])
    wanted = Q(user__in=users)
    for table, rows in _rows_called(text):
        wanted |= Q(table_name=table, row_id__in=rows)
    return changes.filter(wanted)


def people_who_changed(changes: models.QuerySet[Change]) -> models.QuerySet[User]:
    """Whoever did any of the changes."""
    return User.objects.filter(Exists(changes.filter(user=OuterRef("pk")))).order_by("email")


def _rows_called(text: str) -> Iterator[tuple[str, list[int]]]:
    for model in audited_models():
        fields = [name for name in _NAMES if _is_text(model, name)]
        if fields:
            called = Q(*((f"{name}__icontains", text) for name in fields), _connector=Q.OR)
            rows = list(model._base_manager.filter(called).values_list("pk", flat=True)[:MOST])
            if rows:
                yield model._meta.db_table, rows


def _is_text(model: type[models.Model], name: str) -> bool:
    try:
        return isinstance(model._meta.get_field(name), models.CharField)
    except FieldDoesNotExist:
        return False


def _day(text: str) -> dt.date | None:
    try:
        return parse_date(text.strip())
    except ValueError:
        return None
