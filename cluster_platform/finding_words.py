"""Findings in words."""

from django.utils.translation import gettext, ngettext

from billing import numbers
from metering.models import Finding


def figures(finding: Finding) -> str:
    """What was counted and what it is measured by."""
    value, limit = finding.value_wh, finding.limit_wh
    if finding.rule == Finding.Rule.STATION_SUM:
        words = {"difference": numbers.kwh(abs(value)), "limit": numbers.kwh(limit)}
        if value > 0:
            return gettext("%(difference)s more came in than the members drew; up to %(limit)s is ordinary") % words
        return gettext("%(difference)s less came in than the members drew; up to %(limit)s is ordinary") % words
    if finding.rule == Finding.Rule.FROZEN:
        words = {"value": numbers.number(value), "n": str(finding.quarter_hours)}
        return gettext("%(value)s Wh, %(n)s times in a row") % words
    often = ngettext("%(n)s quarter-hour", "%(n)s quarter-hours", finding.quarter_hours) % {"n": finding.quarter_hours}
    words = {"power": _kw(value), "limit": _kw(limit), "often": often}
    if finding.rule in (Finding.Rule.NO_GENERATION, Finding.Rule.NIGHT_EXPORT):
        return gettext("up to %(power)s, in %(often)s") % words
    return gettext("up to %(power)s where %(limit)s is the limit, in %(often)s") % words


def _kw(wh: int) -> str:
    """The mean power of a quarter-hour's energy."""
    return f"{numbers.kw_number(wh)}{numbers.GAP}kW"
