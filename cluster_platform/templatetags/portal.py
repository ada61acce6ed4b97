"""Numbers, units and plots in templates."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from billing import numbers
from billing.papers.texts import unit_price
from cluster_platform.portal import charts, words
from cluster_platform.portal.access import labelled_accesses
from cluster_platform.portal.energy import Flow

register = template.Library()
register.filter("unit_price", unit_price)
Number = Decimal | int


def with_unit(number: str, unit: str) -> SafeString:
    return format_html('<span class="number">{}</span>&nbsp;<span class="unit">{}</span>', number, unit)


@register.filter
def number(value: Number, places: int = 0) -> str:
    return numbers.number(value, places)


@register.filter
def signed(value: Number, places: int = 0) -> str:
    return numbers.signed(value, places)


@register.filter
def kwh(wh: int) -> SafeString:
    return with_unit(numbers.kwh_number(wh), "kWh")


@register.filter
def kwh_exact(wh: int) -> SafeString:
    """To the watt-hour."""
    return with_unit(numbers.number(Decimal(wh).scaleb(-3), 3), "kWh")


@register.filter
def kwh_only(wh: int) -> str:
    """To the watt-hour, for tables that name the unit in their head; nothing for nothing."""
    return numbers.number(Decimal(wh).scaleb(-3), 3) if wh else "–"


@register.filter
def kw(wh: int) -> SafeString:
    """Mean power of a quarter-hour's energy (Wh)."""
    return with_unit(numbers.kw_number(wh), "kW")


@register.filter
def pln(value: Decimal, places: int = 2) -> SafeString:
    return with_unit(numbers.number(value, places), numbers.pln_unit())


@register.filter
def without_sign(value: Decimal) -> Decimal:
    return abs(value)


@register.filter
def price(value: Decimal) -> SafeString:
    return with_unit(numbers.number(value, 3), numbers.price_unit())


@register.filter
def percent(share: Decimal) -> str:
    return numbers.percent(share)


@register.filter
def local_time(instant: datetime, tz: Any) -> str:
    return charts.local_time(instant, tz)


@register.filter
def local_day(instant: datetime, tz: Any) -> date:
    return instant.astimezone(tz).date()


@register.filter
def dated(day: date, pattern: str) -> str:
    return words.dated(day, pattern)


@register.filter
def day_before(end: date) -> date:
    """The last day of a span whose end is exclusive."""
    return end - timedelta(days=1)


@register.filter
def component(code: str) -> str:
    return words.said(words.COMPONENTS, code)


@register.filter
def place(level: str) -> str:
    return words.said(words.PLACES, level)


@register.filter
def bill_state(code: str) -> str:
    """How a bill stands, in words."""
    return str(words.BILL_STATES[code])


@register.filter
def zone(code: str) -> str:
    return words.said(words.ZONES, code)


@register.simple_tag
def quantity(value: Decimal, unit: str) -> SafeString:
    """A statement line's quantity: whole where it is whole."""
    whole = value == value.to_integral_value()
    return with_unit(numbers.number(value, 0 if whole and unit != "kWh" else 3), words.unit(unit, value))


@register.simple_tag(takes_context=True)
def page_link(context: Any, key: str, number: int) -> str:
    """The same page with this number for `key`, whatever else was asked for."""
    query = context["request"].GET.copy()
    query[key] = str(number)
    return f"?{query.urlencode()}"


@register.filter
def rate_unit(code: str) -> str:
    """A unit of the tariff book in the reader's currency sign."""
    return code.replace("PLN", numbers.pln_unit()).replace("month", gettext("month"))


@register.filter
def role(code: str) -> str:
    return words.said(words.ROLES, code)


@register.inclusion_tag("parts/stacked.html")
def drawn_bar(flow: Flow) -> dict[str, Any]:
    """What was drawn, by where it came from."""
    return {"shares": charts.shares(("local", flow.drawn_local_wh), ("outside", flow.drawn_outside_wh))}


@register.inclusion_tag("parts/stacked.html")
def fed_bar(flow: Flow) -> dict[str, Any]:
    """What was fed in, by where it went."""
    return {"shares": charts.shares(("local", flow.fed_local_wh), ("sold", flow.fed_outside_wh))}


@register.inclusion_tag("parts/length.html")
def length_bar(value: Decimal, largest: Decimal, meaning: str) -> dict[str, Any]:
    """A bar of `value` where `largest` is the full width."""
    share = max(Decimal(0), value / largest) if largest > 0 else Decimal(0)
    return {"width": f"{float(share) * 100:.3f}%", "meaning": meaning}


@register.inclusion_tag("parts/bars.html")
def bar_chart(chart: charts.BarChart, name: str) -> dict[str, Any]:
    return {"chart": chart, "name": name}


@register.inclusion_tag("parts/prices.html")
def price_chart(chart: charts.PriceChart, name: str) -> dict[str, Any]:
    return {"chart": chart, "name": name}


@register.inclusion_tag("parts/access.html", takes_context=True)
def access_switcher(context: dict[str, Any]) -> dict[str, Any]:
    """The ways in that a user may choose from; nothing for one."""
    request: HttpRequest | None = context.get("request")
    return {
        "choices": labelled_accesses(request) if request else [],
        "csrf_token": context.get("csrf_token"),
    }


#: What a browser calls itself, the more special name first: most also claim to be Chrome or Safari.
_BROWSERS = {
    "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser": "Samsung Internet", "FxiOS": "Firefox", "Firefox": "Firefox",
    "CriOS": "Chrome", "Chrome": "Chrome", "Safari": "Safari",
}  # fmt: skip
_SYSTEMS = {
    "Windows": "Windows", "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Mac OS X": "macOS",
    "Linux": "Linux",
}  # fmt: skip


@register.filter
def browser_in_words(user_agent: str) -> str:
    """`Chrome · Windows`; what nobody knows is shown as it came."""
    found = [next((name for sign, name in names.items() if sign in user_agent), "") for names in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, found)) or user_agent
