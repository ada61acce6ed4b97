"""Cells of the matrix of metering points and days."""

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from cluster_platform.completeness import OWNERS, SIGNS, WORDS
from cluster_platform.portal import words
from metering.selectors.matrix import Cell, Row

register = template.Library()


@register.simple_tag
def day_cells(row: Row) -> SafeString:
    """The cells of one metering point: a sign and a colour, and the same in words."""
    known: dict[tuple[object, ...], str] = {}
    parts = []
    for cell in row.cells:
        key = (cell.state, cell.due, cell.measured, cell.split, cell.substituted, cell.estimated)
        if key not in known:
            known[key] = said(cell)
        label = f"{row.code}, {words.dated(cell.day, 'j E')}: {known[key]}"
        parts.append(
            f'<td class="cell cell-{cell.state}" data-label="{escape(label)}"><span aria-hidden="true">'
            f'{SIGNS[cell.state]}</span><span class="said">{escape(known[key])}</span></td>'
        )
    return mark_safe("".join(parts))  # Everything that is not our own markup is escaped above.


def said(cell: Cell) -> str:
    """How many quarter-hours of a day are what, in words."""
    if cell.due is None:
        return gettext("not in the cluster")
    if not cell.due:
        return gettext("still to come")
    counts = [f"{name} {count}" for key, name in WORDS.items() if (count := getattr(cell, key))]
    return gettext("%(counts)s of %(due)s") % {"counts": ", ".join(counts), "due": cell.due}


@register.filter
def owner(code: str) -> str:
    return str(OWNERS[code])


@register.simple_tag
def sign(state: str) -> SafeString:
    """The cell of the legend."""
    return format_html('<span class="cell cell-{}" aria-hidden="true">{}</span>', state, SIGNS[state])
