"""Double entry: which accounts there are, and what a document posts. Debit is positive, credit negative [PLN]."""

from collections import defaultdict
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


class AccountKind(StrEnum):
    """Participants have an account each, everything else one a cluster.

    `market` takes all energy: what neighbours pay and get cancels out there, what is left is the outside market's.
    """

    PARTICIPANT = "participant"
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


#: Component of a line of interest for late payment.
LATE_INTEREST = "late_interest"
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
