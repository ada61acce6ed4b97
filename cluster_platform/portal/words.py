"""The reader's words for the codes in the data. An unknown code is shown as it is."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.words import COMPONENTS, PLACES, UNITS, UNITS_IN_PART, ZONES, dated, said, unit

__all__ = ["BILL_STATES", "COMPONENTS", "PLACES", "ROLES", "UNITS", "UNITS_IN_PART", "ZONES", "dated", "said", "unit"]

#: `billing.domain.bill_state.BillState`
BILL_STATES = {
    "open": pgettext_lazy("bill", "open"),
    "partly_paid": _("partly paid"),
    "paid": _("paid"),
    "overdue": _("overdue"),
    "settled": _("nothing to pay"),
}

ROLES = {
    "member": _("member"),
    "coordinator": _("coordinator"),
    "dso": _("distributor"),
    "applicant": _("applicant"),
    "operator": _("operator"),
}
