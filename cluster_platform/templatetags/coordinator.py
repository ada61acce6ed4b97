"""Parts of the coordinator's admin."""

from typing import Any

from django import template
from django.http import HttpRequest

from cluster_platform.portal.access import labelled_accesses

register = template.Library()
RUNS_CLUSTERS = frozenset({"coordinator", "operator"})


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
