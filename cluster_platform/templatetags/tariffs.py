"""Rates and what changes of them, in templates."""

from decimal import Decimal

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing import numbers
from cluster_platform.portal import words
from cluster_platform.tariffs.calendar import plain_rate
from cluster_platform.templatetags.portal import rate_unit, with_unit
from contracts.domain.book_difference import RateKey
from contracts.domain.money import from_micro
from contracts.domain.tariff import Rate
from contracts.domain.zones import ANY_GROUP, ZoneRow, format_clock
from contracts.tariff_models import TariffRate

register = template.Library()

MEMBERS = {
    "household": _("household"),
    "night_heating": _("household that heats at night"),
    "prosumer": _("household with photovoltaics"),
    "shop": _("shop"),
    "plant": _("plant"),
}
DAYS = {
    "all": _("every day"),
    "workday": _("workdays"),
    "free": _("Saturdays, Sundays, public holidays"),
    "otherwise": _("all other times"),
}
TABLES = {"tariff": _("rates"), "zones": _("zones"), "discounts": _("discounts")}


@register.filter
def rate(row: Rate) -> SafeString:
    """A rate with its unit."""
    return with_unit(plain_rate(row.micro), rate_unit(row.unit))


@register.filter
def micro(value: int) -> str:
    """Micro-PLN as PLN with as many decimals as matter."""
    return plain_rate(value)


@register.filter
def rounded(value: int) -> str:
    """Micro-PLN as PLN with the digits that one remembers."""
    return numbers.number(from_micro(value), 2)


@register.filter
def change_percent(share: Decimal) -> str:
    """A change as a share of what it was, with its sign."""
    places = 0 if abs(share) >= Decimal("0.1") else 1
    return f"{numbers.signed(share * 100, places)}{numbers.GAP}%"


@register.filter
def share_percent(share: Decimal) -> str:
    """A share with as many decimals as it has."""
    value = (share * 100).normalize()
    return f"{numbers.number(value, max(0, -int(value.as_tuple().exponent)))}{numbers.GAP}%"


@register.filter
def group_name(code: str) -> str:
    return gettext("all groups") if code == ANY_GROUP else code


@register.filter
def for_whom(key: RateKey | Rate) -> str:
    """Phases and yearly use that a rate is for; empty: all."""
    parts = []
    if key.phases:
        parts.append(gettext("%(n)s-phase") % {"n": key.phases})
    if key.use_from_kwh is not None or key.use_to_kwh is not None:
        low, high = numbers.number(key.use_from_kwh or 0), key.use_to_kwh
        text = gettext("from %(low)s kWh a year") if high is None else gettext("%(low)s – %(high)s kWh a year")
        parts.append(text % {"low": low, "high": numbers.number(high or 0)})
    return ", ".join(parts)


@register.filter
def typical_member(code: str) -> str:
    return words.said(MEMBERS, code)


@register.filter
def table_name(code: str) -> str:
    return words.said(TABLES, code)


@register.filter
def zone_times(row: ZoneRow) -> str:
    """When a row of the zones applies: months, days, hours."""
    days = str(DAYS.get(row.day_type, row.day_type))
    months = gettext("months %(months)s") % {"months": row.months.replace("-", "–")}
    if row.start is None or row.end is None:
        return f"{months}, {days}"
    return f"{months}, {days}, {format_clock(row.start)}–{format_clock(row.end)}"


@register.filter
def treatment(code: str) -> str:
    """What local energy pays of a rate."""
    return str(dict(TariffRate.Treatment.choices).get(code, code))


@register.filter
def unit_word(code: str) -> str:
    return words.said(words.UNITS, code)


@register.filter
def amount_of(value: Decimal) -> str:
    """Energy to the watt-hour, months and kilowatts whole."""
    return numbers.number(value, 0 if value == value.to_integral_value() else 3)
