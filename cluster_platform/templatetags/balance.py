"""Numbers of the physical balance."""

from django import template

from billing.numbers import kwh_number
from cluster_platform.balance import percent

register = template.Library()


@register.filter
def share_of(share: float | None) -> str:
    return percent(share)


@register.filter
def signed_kwh(wh: int | None) -> str:
    """With its sign and without the unit; a dash where nothing can be compared."""
    if wh is None:
        return "–"
    return f"{'+' if wh > 0 else ''}{kwh_number(wh)}"
