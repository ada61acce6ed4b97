"""Parts of the coordinator's admin."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from billing import numbers
from cluster_platform.portal.access import labelled_accesses

register = template.Library()
RUNS_CLUSTERS = frozenset({"coordinator", "operator"})
CAUSES = {
    "reading": _("own reading"),
    "contract": _("contract"),
    "price": _("external price"),
    "grid_fee": _("grid fee"),
    "others": _("others' readings, or rules"),
}


@register.inclusion_tag("parts/clusters.html", takes_context=True)
def cluster_switcher(context: dict[str, Any]) -> dict[str, Any]:
    """The clusters that the user runs; nothing for one."""
    request: HttpRequest | None = context.get("request")
    choices = [choice for choice in labelled_accesses(request) if choice.role in RUNS_CLUSTERS] if request else []
    return {
        "choices": choices if len(choices) > 1 else [],
        "chosen": next((choice for choice in choices if choice.chosen), None),
        "csrf_token": context.get("csrf_token"),
    }


@register.simple_tag
def before_after(before_wh: int, after_wh: int) -> str:
    """Energy in kWh (without the unit), twice only where it has changed."""
    before, after = numbers.kwh_number(before_wh), numbers.kwh_number(after_wh)
    return after if before_wh == after_wh else f"{before} → {after}"


@register.filter
def causes(names: Sequence[str]) -> str:
    """Why something was settled otherwise, in words."""
    return ", ".join(str(CAUSES[name]) for name in names)
