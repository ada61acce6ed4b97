"""Numbers of the settlement with the outside."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django import template
from django.utils.formats import date_format

from billing.numbers import GAP, number, pln_unit, price_unit
from cluster_platform.portal.charts import quarter_hour_name

register = template.Library()


@register.filter
def less(value: Decimal | int, other: Decimal | int) -> Decimal:
    return Decimal(value) - Decimal(other)


@register.filter
def minus(value: Decimal) -> Decimal:
    return -value


@register.filter
def signed_exact(wh: Decimal | int) -> str:
    """kWh to the watt-hour with its sign, without the unit."""
    return f"{'+' if wh > 0 else ''}{number(Decimal(wh).scaleb(-3), 3)}"


@register.filter
def in_unit(value: Decimal | None, kind: str) -> str:
    """A figure of a difference: Wh as kWh, PLN/kWh or PLN."""
    if value is None:
        return "–"
    if kind == "price":
        return f"{number(value, 6)}{GAP}{price_unit()}"
    if kind in ("amount", "total"):
        return f"{number(value, 2)}{GAP}{pln_unit()}"
    return f"{number(value.scaleb(-3), 3)}{GAP}kWh"


@register.filter
def quarter_hour(start: datetime, tz: ZoneInfo) -> str:
    """`11 June, 12:00–12:15`; where the clock says an hour twice, with its offset."""
    local = start.astimezone(tz)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    offset = f" ({local:%z})" if twice else ""
    return f"{date_format(local.date(), 'MONTH_DAY_FORMAT')}, {quarter_hour_name(start, tz)}{offset}"
