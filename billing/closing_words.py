"""What the checks of closing say, for people."""

from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext

from billing.numbers import number
from billing.selectors.checklist import Check
from billing.words import dated


def check_name(code: str) -> str:
    """What is to be in order."""
    return {
        "finished": gettext("The month is over"),
        "settled": gettext("All quarter-hours are settled"),
        "readings": gettext("All readings are complete"),
        "external": gettext("The external settlement is approved"),
        "computed": gettext("Tariff and prices are complete, statements are computed"),
        "assurance": gettext("The assurance is funded by the service fees"),
        "previous": gettext("The months before are closed"),
        "parties": gettext("Names, addresses and tax numbers are known"),
    }[code]


def check_detail(check: Check) -> str:
    """What is missing, and what to do; empty where it passed."""
    if check.passed:
        return ""
    return _DETAILS[check.code](check)


def _finished(check: Check) -> str:
    return gettext("It can be closed from %(day)s on.") % {"day": dated(check.figures["end"], "DATE_FORMAT")}


def _settled(check: Check) -> str:
    parts = []
    if missing := check.figures["missing"]:
        text = ngettext("%(n)s quarter-hour is not settled yet.", "%(n)s quarter-hours are not settled yet.", missing)
        parts.append(text % {"n": missing})
    if stale := check.figures["stale"]:
        text = ngettext(
            "%(n)s has changed since it was settled and waits for a new run.",
            "%(n)s have changed since they were settled and wait for a new run.",
            stale,
        )
        parts.append(text % {"n": stale})
    return " ".join(parts)


def _readings(check: Check) -> str:
    count = check.figures["provisional"]
    text = ngettext(
        "%(n)s quarter-hour is provisional: it holds estimated readings.",
        "%(n)s quarter-hours are provisional: they hold estimated readings.",
        count,
    )
    return text % {"n": count}


def _external(check: Check) -> str:
    names = {"purchase": gettext("purchase"), "sale": gettext("sale")}
    what = ", ".join(names[each] for each in check.figures["directions"])
    return gettext("Not approved for all energy of the month: %(what)s.") % {"what": what}


def _computed(check: Check) -> str:
    return check.figures["problem"] or gettext("No statements are computed yet.")


def _assurance(check: Check) -> str:
    figures = check.figures
    return gettext("Assurance of %(assurance)s PLN exceeds the service fees of %(fees)s PLN.") % {
        "assurance": number(figures["assurance"], 2), "fees": number(figures["fees"], 2),
    }  # fmt: skip


def _previous(check: Check) -> str:
    return gettext("%(month)s is still open.") % {"month": capfirst(dated(check.figures["month"], "F Y"))}


def _parties(check: Check) -> str:
    if not check.figures["coordinator"]:
        return gettext("The coordinator's tax number is missing.")
    count = check.figures["count"]
    text = ngettext(
        "An address or tax number is missing for %(n)s participant: %(codes)s.",
        "An address or tax number is missing for %(n)s participants: %(codes)s.",
        count,
    )
    return text % {"n": count, "codes": ", ".join(check.figures["participants"])}


_DETAILS = {
    "finished": _finished, "settled": _settled, "readings": _readings, "external": _external, "computed": _computed,
    "assurance": _assurance, "previous": _previous, "parties": _parties,
}  # fmt: skip
