"""The reader's words for the codes in the data. An unknown code is shown as it is."""

from datetime import date
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, npgettext
from django.utils.translation import gettext_lazy as _

from contracts.domain.tariff import RELIEF_ENDING

COMPONENTS = {
    "local_energy": _("Energy from neighbours"),
    "external_energy": _("Energy from outside"),
    "local_energy_sold": _("Energy sold to neighbours"),
    "external_energy_sold": _("Energy sold outside"),
    "equalisation": _("Equalisation: one price for all in a quarter-hour"),
    "excise": _("Excise duty"),
    "service_fee": _("Service fee of the coordinator"),
    "interest": _("Interest on what was paid late"),
    "assurance": _("Assurance: so that you are never worse off"),
    "network_variable": _("Grid fee, variable"),
    "network_fixed": _("Grid fee, fixed"),
    "subscription": _("Subscription fee"),
    "quality": _("Quality fee"),
    "capacity": _("Capacity fee"),
    "cogeneration": _("Cogeneration fee"),
    "res": _("Renewables fee"),
}
PLACES = {
    "station": _("same station"),
    "substation": _("same substation"),
    "cluster": _("same cluster"),
    "external": _("outside"),
}
ZONES = {
    "flat": _("all day"),
    "day": _("day"),
    "night": _("night"),
    "peak": _("peak"),
    "offpeak": _("off-peak"),
    "morning": _("morning peak"),
    "afternoon": _("afternoon peak"),
    "rest": _("other hours"),
    "capacity_hours": _("capacity hours"),
}
UNITS = {"day": _("days"), "month": _("month"), "kW*month": _("kW × month")}
UNITS_IN_PART = {"day": _("days"), "month": _("of a month"), "kW*month": _("kW × month")}


def said(words: dict, code: str) -> str:
    """The reader's word for `code`."""
    if words is COMPONENTS and code.endswith(RELIEF_ENDING):
        return gettext("%(levy)s: statutory relief") % {"levy": said(words, code.removesuffix(RELIEF_ENDING))}
    return str(words.get(code, code.replace("_", " ")))


def unit(code: str, quantity: Decimal) -> str:
    """The reader's word for the unit of so much: one month, two months, half of a month."""
    if quantity != quantity.to_integral_value():
        return said(UNITS_IN_PART, code)
    return npgettext("quantity", "month", "months", int(quantity)) if code == "month" else said(UNITS, code)


def dated(day: date, pattern: str) -> str:
    """A date in Django's format; Polish writes days and months small, which Django does not."""
    text = date_format(day, pattern)
    return text.lower() if (get_language() or "").startswith("pl") else text
