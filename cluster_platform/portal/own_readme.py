"""What the files of a member's own data hold, in the reader's language."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from participants.models import Cluster

FILES = {
    "profile": _("who you are to the cluster"),
    "login": _("the login that asked for these data"),
    "email_addresses": _("the e-mail addresses of that login"),
    "second_factors": _("what that login is confirmed by beside the password"),
    "sessions": _("where that login was used"),
    "delegates": _("who acts for you; 'full' is yourself, 'act' may sign, 'read' only looks"),
    "invitations_of_delegates": _("whom you invited to act for you"),
    "former_data": _("what was stored about you before, contract and metering points, and what it was changed to"),
    "metering_points": _("your metering points, and from which day to which (exclusive) they are yours"),
    "meters": _("the meters at your metering points, while the points were yours"),
    "contracts": _("the scheme that you are settled under, from day to day (exclusive)"),
    "allocation_keys": _("your agreed share of local energy, if your cluster shares by keys"),
    "own_retail_offers": _("the retail offer that you are compared with, if it is your own"),
    "own_sale_mechanisms": _("how the standard mechanism would pay you for what you feed in, if that is your own"),
    "readings": _(
        "what your meters counted in each quarter-hour (Wh); the value issued last holds, before it an estimate"
    ),
    "daily_sums": _("what is kept of your old readings: sums by local day (Wh), and quarter-hours of each quality"),
    "substitutions": _("when readings of yours were put in by hand, and why"),
    "findings": _("what looked implausible about your readings, and how it was explained"),
    "positions": _("what you bought and sold in each quarter-hour (Wh); only rows in force count"),
    "trades": _("your trades with neighbours, who have another name every day; energy is in Wh, prices in PLN/kWh"),
    "statements": _("your monthly statements; a higher revision replaces a lower one"),
    "bills": _("your bills; positive: you pay, negative: you are paid; each as PDF in the folder bills"),
    "bill_documents": _("the documents of the bills"),
    "bill_lines": _("the lines of the documents; 'before' marks what a correction takes back"),
    "bill_deliveries": _("when and where your bills were sent by e-mail"),
    "payments": _("which of your bills were paid, or paid out, when, and how that was told"),
    "payment_reminders": _("reminders of unpaid bills, in three steps, and where they were sent"),
    "late_interest": _("interest for late payment that was charged or waived, by days"),
    "account": _("your account with the cluster: what was charged (positive) and paid (negative)"),
    "statement_lines": _("the lines of the statements; a cost is positive, an income negative"),
    "promises": _("each month against the standard tariff"),
    "consents": _("what you consented to, and when"),
    "accesses_to_readings": _("who looked at your readings; without a metering point, at those of all members"),
    "applications": _("how you applied"),
    "application_points": _("the metering points of your application"),
    "application_steps": _("the steps of your application"),
    "complaints": _("your complaints and the answers"),
    "agreements": _("your agreements, step by step"),
    "agreement_signatures": _("how they were signed for you; the address only if it was with this login"),
    "agreement_texts": _("the texts of your agreements"),
}

WORDS = {
    "imported, bought": _("drawn from the grid"),
    "exported, sold": _("fed into the grid"),
    "net": _("fed in less drawn; below zero you drew more"),
    "local": _("from or to neighbours in the cluster"),
    "external": _("from or to the market outside, through the coordinator"),
    "sharing_level": _("how near the neighbour is: the same station, substation or cluster"),
    "equalisation": _("makes all buyers of a quarter-hour pay the same for energy, and all sellers get the same"),
    "assurance": _("what the cluster pays so that you are no worse off than under the standard tariff"),
    "in_force": _("t: this row counts; f: a later revision replaced it"),
    "quality": _("measured, split (from an hour), substituted (with a reason) or estimated"),
    "wh, kwh, kw": _("watt-hours, kilowatt-hours (1000 Wh), kilowatts"),
}


def readme(cluster: Cluster) -> str:
    """The text of README.txt."""
    lines = [
        gettext("All that %(cluster)s has stored about you.") % {"cluster": cluster.name},
        gettext("Each file is there as CSV and as JSON with the same content. Times are UTC, starts of quarter-hours."),
        "",
        *(f"{name} – {text}" for name, text in FILES.items()),
        gettext("documents/, agreements/ – files that you sent in, and your agreements as PDF"),
        "",
        gettext("Words in the columns:"),
        *(f"{name} – {text}" for name, text in WORDS.items()),
    ]
    return "\n".join(lines) + "\n"
