"""Bank statements as camt.053 (ISO 20022), whatever its version and prefix."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from billing.domain.bank import BankLine
from billing.formats.bank_fields import Unreadable, account_of, amount_of, day_of, own_account, require_pln
from billing.formats.words import (
    BALANCE_DIFFERS,
    DETAILS_DIFFER,
    ELEMENT_MISSING,
    NO_DTD,
    NO_STATEMENT,
    NOT_BOOKED,
    NOT_XML,
)
from metering.formats.base import Fault, fault

#: lxml brings no types.
Element = Any
_NONE = {"", "NOTPROVIDED", "NONREF"}


def fits(head: bytes) -> bool:
    """XML that says it is camt.053."""
    return b"camt.053" in head.replace(b"\0", b"")


def read(data: bytes, account: str) -> Iterator[BankLine | Fault]:
    """The bookings; `account` is ours where the file names none. A booking with parts gives a line for each part."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        yield fault(error.lineno or 0, "", NOT_XML)
        return
    if root.getroottree().docinfo.doctype:
        yield fault(1, "", NO_DTD)
        return
    statements = root.findall(".//{*}BkToCstmrStmt/{*}Stmt")
    if not statements:
        yield fault(0, "", NO_STATEMENT)
    for statement in statements:
        yield from _statement(statement, account)


def _statement(statement: Element, account: str) -> Iterator[BankLine | Fault]:
    ours = _text(statement, "Acct/Id/IBAN") or _text(statement, "Acct/Id/Othr/Id") or account
    sums, sound = Decimal(0), True
    for entry in statement.findall("{*}Ntry"):
        try:
            status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
            if status not in ("", "BOOK"):
                raise Unreadable("Sts", NOT_BOOKED, value=status)
            for line in _lines(entry, own_account(ours, "IBAN")):
                sums += line.amount_pln
                yield line
        except Unreadable as error:
            sound = sound and error.text == NOT_BOOKED
            yield error.at(_place(entry))
    opening, closing = _balance(statement, "OPBD"), _balance(statement, "CLBD")
    if sound and opening is not None and closing is not None and opening + sums != closing:
        yield fault(_place(statement), "CLBD", BALANCE_DIFFERS, sum=f"{opening + sums}", value=f"{closing}")


def _lines(entry: Element, ours: str) -> Iterator[BankLine]:
    """Of one entry: one line, or one for each transaction where the bank books several at once."""
    whole = _amount(entry)
    day = day_of((_text(entry, "BookgDt/Dt") or _text(entry, "BookgDt/DtTm"))[:10], "BookgDt")
    details = entry.findall("{*}NtryDtls/{*}TxDtls")
    own = _text(entry, "AcctSvcrRef")
    if len(details) < 2:
        detail = details[0] if details else entry
        yield _line(entry, detail, ours, day, whole, own or _reference(detail))
        return
    amounts = [_amount(detail, entry) for detail in details]
    if sum(amounts) != whole:
        raise Unreadable("Amt", DETAILS_DIFFER, sum=f"{sum(amounts)}", value=f"{whole}")
    for number, (detail, amount) in enumerate(zip(details, amounts, strict=True), start=1):
        yield _line(detail, detail, ours, day, amount, _reference(detail) or (f"{own}/{number}" if own else ""))


def _line(place: Element, detail: Element, ours: str, day: date, amount: Decimal, reference: str) -> BankLine:
    side = "Dbtr" if amount > 0 else "Cdtr"
    parties = f"RltdPties/{side}"
    name = _text(detail, f"{parties}/Nm") or _text(detail, f"{parties}/Pty/Nm")
    account = f"RltdPties/{side}Acct/Id"
    partner = _text(detail, f"{account}/IBAN") or _text(detail, f"{account}/Othr/Id")
    parts = [each.text or "" for each in detail.findall("{*}RmtInf/{*}Ustrd")]
    parts += [each.text or "" for each in detail.findall("{*}RmtInf/{*}Strd/{*}CdtrRefInf/{*}Ref")]
    title = " ".join(" ".join(parts).split()) or _text(place, "AddtlNtryInf")
    return BankLine(_place(place), ours, day, amount, name, account_of(partner), title, reference)


def _reference(detail: Element) -> str:
    found = (_text(detail, f"Refs/{name}") for name in ("AcctSvcrRef", "TxId", "InstrId"))
    return next((text for text in found if text.upper() not in _NONE), "")


def _amount(element: Element, entry: Element | None = None) -> Decimal:
    """Signed: CRDT came in. A part without a direction has its entry's; one that reverses says so by its direction."""
    found = element.find("{*}Amt")
    if found is None:
        found = element.find("{*}AmtDtls/{*}TxAmt/{*}Amt")
    if found is None:
        raise Unreadable("Amt", ELEMENT_MISSING, element="Amt")
    require_pln(found.get("Ccy", ""), "Amt")
    direction = _text(element, "CdtDbtInd") or ("" if entry is None else _text(entry, "CdtDbtInd"))
    if direction not in ("CRDT", "DBIT"):
        raise Unreadable("CdtDbtInd", ELEMENT_MISSING, element="CdtDbtInd")
    amount = amount_of((found.text or "").strip(), "Amt")
    return amount if direction == "CRDT" else -amount


def _balance(statement: Element, code: str) -> Decimal | None:
    for balance in statement.findall("{*}Bal"):
        if _text(balance, "Tp/CdOrPrtry/Cd") == code:
            text = _text(balance, "Amt")
            value = amount_of(text, code) if Decimal(text or 0) else Decimal(0)
            return -value if _text(balance, "CdtDbtInd") == "DBIT" else value
    return None


def _text(element: Element, path: str) -> str:
    found = element.find("/".join(f"{{*}}{part}" for part in path.split("/")))
    return (found.text or "").strip() if found is not None else ""


def _place(element: Element) -> int:
    return int(element.sourceline or 0)
