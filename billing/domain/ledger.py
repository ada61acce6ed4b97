"""Double entry: which accounts there are, and what a document posts. Debit is positive, credit negative [PLN]."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from billing.domain.documents import ZERO, Document, DocumentKind
from billing.domain.errors import BillingError
from billing.domain.lines import (
    ASSURANCE,
    EQUALISATION,
    EXCISE,
    EXTERNAL_ENERGY,
    EXTERNAL_SOLD,
    LOCAL_ENERGY,
    LOCAL_SOLD,
    SERVICE_FEE,
)
from contracts.domain.money import half_up


class AccountKind(StrEnum):
    """Participants and external partners have an account each, everything else one a cluster.

    `market` takes all energy: what neighbours pay and get cancels out there, what is left is the outside market's. The
    invoices of suppliers and buyers are posted against it.
    """

    PARTICIPANT = "participant"
    PARTNER = "partner"
    BANK = "bank"
    MARKET = "market"
    DISTRIBUTOR = "distributor"
    SERVICE_FEE = "service_fee"
    EXCISE = "excise"
    VAT_DUE = "vat_due"
    VAT_DEDUCTIBLE = "vat_deductible"
    ASSURANCE = "assurance"
    ROUNDING = "rounding"
    CARRIED = "carried"
    INTEREST = "interest"


#: An account: its kind, and the id of the participant or partner whose it is.
AccountKey = tuple[AccountKind, int | None]
#: Where a bank transfer can be booked that is none of a participant's.
PAID_OUTSIDE = (
    AccountKind.DISTRIBUTOR,
    AccountKind.PARTNER,
    AccountKind.VAT_DUE,
    AccountKind.EXCISE,
    AccountKind.ASSURANCE,
    AccountKind.SERVICE_FEE,
)
#: Component of a line of interest for late payment.
LATE_INTEREST = "late_interest"
#: Accounts whose lines are rounded: what is left of them at the end of a month must be exact to the grosz.
ROUNDED = (AccountKind.MARKET, AccountKind.DISTRIBUTOR, AccountKind.SERVICE_FEE, AccountKind.EXCISE)
_COMPONENTS = {
    **dict.fromkeys((LOCAL_ENERGY, EXTERNAL_ENERGY, LOCAL_SOLD, EXTERNAL_SOLD, EQUALISATION), AccountKind.MARKET),
    EXCISE: AccountKind.EXCISE,
    SERVICE_FEE: AccountKind.SERVICE_FEE,
    LATE_INTEREST: AccountKind.INTEREST,
}
_SETTLEMENTS = {
    ASSURANCE: AccountKind.ASSURANCE,
    "rounding": AccountKind.ROUNDING,
    "carried": AccountKind.CARRIED,
}
_BUYS = (DocumentKind.SELF_BILLING, DocumentKind.NOTE)


def account_of_component(component: str) -> AccountKind:
    """Where a line's net amount goes; every component that is none of ours is a grid fee."""
    return _COMPONENTS.get(component, AccountKind.DISTRIBUTOR)


def document_postings(document: Document) -> dict[AccountKind, Decimal]:
    """What the coordinator posts for a document: sums zero, the participant's account included.

    Nothing for the distributor's own documents: they are none of the coordinator's books. Raises BillingError for a
    settlement that has no account.
    """
    if document.kind == DocumentKind.GRID:
        return {}
    buys = document.kind in _BUYS
    sign = 1 if buys else -1
    amounts: dict[AccountKind, Decimal] = defaultdict(lambda: ZERO)
    for line in document.lines:
        amounts[account_of_component(line.component)] += sign * (-line.net_pln if line.before else line.net_pln)
    amounts[AccountKind.VAT_DEDUCTIBLE if buys else AccountKind.VAT_DUE] += sign * document.vat_pln
    for settlement in document.settlements:
        if settlement.reason not in _SETTLEMENTS:
            raise BillingError(f"{document.number}: no account is known for the settlement '{settlement.reason}'")
        amounts[_SETTLEMENTS[settlement.reason]] += sign * settlement.amount_pln
    amounts[AccountKind.PARTICIPANT] -= sign * document.payable_pln
    return {kind: amount for kind, amount in amounts.items() if amount}


def partner_postings(direction: str, net_pln: Decimal, vat_pln: Decimal) -> dict[AccountKind, Decimal]:
    """What an external partner's invoice posts: a supplier is owed its gross total, a buyer owes it."""
    sells = direction == "sale"
    sign = 1 if sells else -1
    amounts = {
        AccountKind.PARTNER: sign * (net_pln + vat_pln),
        AccountKind.MARKET: -sign * net_pln,
        AccountKind.VAT_DUE if sells else AccountKind.VAT_DEDUCTIBLE: -sign * vat_pln,
    }
    return {kind: amount for kind, amount in amounts.items() if amount}


def rounding_postings(
    exact: Mapping[AccountKind, Decimal], posted: Mapping[AccountKind, Decimal]
) -> dict[AccountKind, Decimal]:
    """What brings the accounts of a month to their exact amount, rounded once: the rest is the rounding account's.

    `exact`: of all lines, unrounded; `posted`: what documents, and this before, have posted on the same accounts.
    """
    kinds = sorted({*exact, *posted}, key=str)
    amounts = {kind: half_up(exact.get(kind, ZERO), 2) - posted.get(kind, ZERO) for kind in kinds}
    amounts[AccountKind.ROUNDING] = -sum(amounts.values(), ZERO)
    return {kind: amount for kind, amount in amounts.items() if amount}
