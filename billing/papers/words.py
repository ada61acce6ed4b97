"""Every text of a bill that is no number, name or code."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.domain.documents import DocumentKind
from billing.words import COMPONENTS

KINDS = {
    DocumentKind.SALE: _("Invoice"),
    DocumentKind.SELF_BILLING: _("Invoice – self-billing"),
    DocumentKind.NOTE: _("Settlement note"),
    DocumentKind.GRID: _("Invoice for grid fees"),
    DocumentKind.INTEREST: _("Interest note"),
}
CORRECTIONS = {
    DocumentKind.SALE: _("Correction invoice"),
    DocumentKind.SELF_BILLING: _("Correction invoice – self-billing"),
    DocumentKind.NOTE: _("Correction of a settlement note"),
    DocumentKind.GRID: _("Correction invoice for grid fees"),
    DocumentKind.INTEREST: _("Correction of an interest note"),
}
SETTLEMENTS = {
    "assurance": COMPONENTS["assurance"],
    "carried_over": _("Carried over from earlier bills"),
}
NEIGHBOURS = {
    "station": _("Neighbours at your station"),
    "substation": _("Neighbours at your substation"),
    "cluster": _("Neighbours elsewhere in the cluster"),
}
OUTSIDE = {"buy": _("Outside the cluster"), "sell": _("Sold outside the cluster")}
ENERGY = {"buy": _("Where your energy came from"), "sell": _("Where your surplus went")}
SIDES = {"buy": _("For what you bought"), "sell": _("For what you sold")}
#: What stands in every bill's place for it.
LABELS = {
    "bill": _("Bill"),
    "period": _("Period"),
    "issued_on": _("Issued on"),
    "for": _("For"),
    "from": _("From"),
    "number": _("number"),
    "nip": _("Tax number (NIP)"),
    "account": _("Account"),
    "recipient": _("Recipient"),
    "title": _("Title of the transfer"),
    "amount": _("Amount"),
    "scan": _("Scan it with your bank's app"),
    "standard": _("Standard mechanism"),
    "here": _("In the cluster"),
    "better": _("Better by"),
    "savings": _("Against the standard mechanism"),
    "documents": _("The bill's documents"),
    "made_of": _("What it is made of"),
    "net_amounts": _("Amounts without VAT; with a minus what you are paid."),
    "vat": _("VAT, PLN"),
    "terms": _("What the words mean"),
    "component": _("Component"),
    "zone": _("Zone"),
    "code": _("Code for the bank's app: account, amount and title of this transfer"),
    "quantity": _("Quantity"),
    "unit_price": _("Unit price, PLN"),
    "net": _("Net, PLN"),
    "vat_rate": pgettext_lazy("of a table", "VAT rate"),
    "gross": _("Gross, PLN"),
    "seller": pgettext_lazy("of an invoice", "Seller"),
    "buyer": pgettext_lazy("of an invoice", "Buyer"),
    "creditor": _("Creditor"),
    "debtor": _("Debtor"),
    "line": pgettext_lazy("of a table", "No."),
    "metering_point": _("Metering point"),
    "total": pgettext_lazy("of amounts", "Total"),
    "before": _("Before the correction"),
    "after": _("After the correction"),
    "difference": _("Difference"),
    "reason": _("Reason of the correction"),
    "corrects": _("Corrects"),
    "page": _("Page"),
    "ksef_code": _("Code to check the invoice in KSeF"),
    "ksef_number": _("Number in KSeF"),
    "ksef_check": _("Scan the code or open this link to check the invoice in KSeF."),
    "in_pln": _("Amounts in PLN"),
}
#: What a bill shows besides components and explains too.
TERM_NAMES = {
    "standard": _("Standard mechanism"),
    "neighbours": _("Neighbours"),
    "relief": _("Statutory relief"),
    "zone": _("Zone"),
}
#: By component, or by another thing that a bill shows: what it is, and in which order it is explained. A component is
#: called as in the lines, so that a reader finds it.
TERMS = {
    "standard": _(
        "What you would pay, or be paid, without the cluster: your supplier's price and the full grid fees for "
        "what you draw, the standard sale price for what you feed in. You are never worse off than that."
    ),
    "neighbours": _(
        "Members of your cluster whose surplus you used, or who used yours, in the same quarter-hour. The nearer "
        "they are on the grid, the lower the grid fee."
    ),
    "external_energy": _("What the neighbours could not cover; the coordinator bought it on the market for you."),
    "external_energy_sold": _("What no neighbour needed; the coordinator sold it on the market for you."),
    "equalisation": _(
        "It makes one energy price for all buyers, and one for all sellers, of a quarter-hour, whoever had "
        "neighbours nearby. Over all members it adds up to zero."
    ),
    "excise": _("A tax on the electricity that you bought, the same everywhere in Poland."),
    "service_fee": _("What the coordinator is paid for running the cluster."),
    "assurance": _(
        "It makes up for the difference where the cluster alone would be dearer than the standard mechanism."
    ),
    "network_variable": _("The distributor's fee by kilowatt-hour; lower for energy from near neighbours."),
    "network_fixed": _("The distributor's fee by month, whatever you draw."),
    "quality": _("For keeping the national grid in balance."),
    "capacity": _("For power plants that stand ready for times of need."),
    "res": _("Supports renewable generation."),
    "cogeneration": _("Supports plants that make heat and electricity at once."),
    "subscription": _("For reading the meter and for settling it."),
    "relief": _("What the law waives or cuts for renewable energy that members feed in and draw within the same hour."),
    "zone": _("The hours in which a price applies: day and night, peak and off-peak."),
}
