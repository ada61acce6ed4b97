"""The reader's words for the codes in the data. An unknown code is shown as it is."""

from django.utils.translation import gettext_lazy as _

from billing.words import COMPONENTS, PLACES, UNITS, UNITS_IN_PART, ZONES, dated, said

__all__ = ["COMPONENTS", "PLACES", "ROLES", "UNITS", "UNITS_IN_PART", "ZONES", "dated", "said"]

ROLES = {
    "member": _("member"),
    "coordinator": _("coordinator"),
    "dso": _("distributor"),
    "applicant": _("applicant"),
    "operator": _("operator"),
}
