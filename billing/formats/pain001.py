"""Payouts as one SEPA credit transfer file (pain.001.001.09), in PLN.

The library builds and validates; what it makes up by chance (message and batch numbers, the time) is replaced by the
batch's own, so that the same batch is the same file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from lxml import etree
from sepaxml import SepaTransfer
from sepaxml.validation import ValidationError, try_valid_xml
from stdnum import iban as iban_check

from billing.domain.errors import BillingError
from billing.domain.transfer_text import LONGEST_NAME, LONGEST_TITLE, bank_id, bank_text

SCHEMA = "pain.001.001.09"
_NAMESPACE = f"urn:iso:std:iso:20022:tech:xsd:{SCHEMA}"


@dataclass(frozen=True, slots=True)
class Payout:
    """One transfer of the batch: whom, where, how much [PLN], and what for."""

    reference: str
    name: str
    iban: str
    amount_pln: Decimal
    title: str


def sepa_file(
    number: str, payer: str, iban: str, execution: date, made_at: datetime, payouts: Sequence[Payout]
) -> bytes:
    """The file of the batch `number`: payouts from the account `iban`, executed on `execution`, each booked by itself.

    Valid against the schema, or BillingError says which payout is wrong.
    """
    if not payouts:
        raise BillingError("a batch without payouts makes no file")
    config = {"name": bank_text(payer, LONGEST_NAME), "IBAN": _iban(iban, payer), "currency": "PLN", "batch": True}
    # PLN is not moved under the SEPA scheme: the file has its form, not its service level.
    transfer = SepaTransfer({**config, "domestic": True}, schema=SCHEMA, clean=False)
    for payout in payouts:
        cents = payout.amount_pln.scaleb(2)
        if cents <= 0 or cents != cents.to_integral_value():
            raise BillingError(f"{payout.reference}: {payout.amount_pln} PLN can't be transferred")
        name = bank_text(payout.name, LONGEST_NAME)
        if not any(letter.isalnum() for letter in name):
            raise BillingError(f"{payout.reference}: the name '{payout.name}' has no letter that banks take")
        transfer.add_payment(
            {
                "name": name,
                "IBAN": _iban(payout.iban, payout.reference),
                "amount": int(cents),
                "execution_date": execution,
                "description": bank_text(payout.title, LONGEST_TITLE),
                "endtoend_id": bank_id(payout.reference),
            }
        )
    root = etree.fromstring(transfer.export(validate=False))
    _replace(root, number, made_at)
    content: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    try:
        try_valid_xml(content, SCHEMA)
    except ValidationError as error:
        raise BillingError(f"the file of batch {number} does not fit {SCHEMA}: {error.__cause__}") from error
    return content


def _iban(text: str, of: str) -> str:
    found = iban_check.compact(text)
    if not iban_check.is_valid(found, check_country=False):
        raise BillingError(f"{of}: '{text}' is not a bank account (IBAN) with right check digits")
    return str(found)


def _replace(root: etree._Element, number: str, made_at: datetime) -> None:
    """Own numbers; single bookings on the statement, so that each can be matched; banks known by their IBANs alone."""
    values = {"MsgId": bank_id(number), "PmtInfId": bank_id(number), "BtchBookg": "false"}
    values["CreDtTm"] = made_at.strftime("%Y-%m-%dT%H:%M:%S")
    for name, value in values.items():
        for element in root.iter(f"{{{_NAMESPACE}}}{name}"):
            element.text = value
    for bank in root.iter(f"{{{_NAMESPACE}}}FinInstnId"):
        if len(bank) == 0:
            other = etree.SubElement(bank, f"{{{_NAMESPACE}}}Othr")
            etree.SubElement(other, f"{{{_NAMESPACE}}}Id").text = "NOTPROVIDED"
