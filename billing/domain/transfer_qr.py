"""The 2D code for transfers of the Polish Bank Association (ZBP, 2013): what a bank's app reads from a bill."""

from decimal import Decimal

from billing.domain.documents import Party

LONGEST_NAME = 20
LONGEST_TITLE = 32
#: Six digits of grosze.
LARGEST_PLN = Decimal("9999.99")


def transfer_code(recipient: Party, account: str, amount_pln: Decimal, title: str) -> str | None:
    """`NIP|PL|account|grosze|name|title|||`; None where the account is no Polish IBAN or nothing is to be paid.

    The code has room for 9,999.99 PLN; a larger amount is left open (000000) and the payer enters it.
    """
    compact = account.replace(" ", "").upper()
    number = compact.removeprefix("PL")
    if amount_pln <= 0 or not compact.startswith("PL") or len(number) != 26 or not number.isdigit():
        return None
    grosze = int(amount_pln * 100) if amount_pln <= LARGEST_PLN else 0
    fields = (
        recipient.nip,
        "PL",
        number,
        f"{grosze:06}",
        _field(recipient.name, LONGEST_NAME),
        _field(title, LONGEST_TITLE),
    )
    return "|".join((*fields, "", "", ""))


def _field(text: str, longest: int) -> str:
    """On one line, without the separator, cut to `longest`."""
    return " ".join(text.replace("|", " ").split())[:longest].rstrip()
