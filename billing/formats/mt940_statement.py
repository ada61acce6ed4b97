"""Bank statements as MT940 (SWIFT). The library reads each tag; tags are cut here, so that a fault names its line."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from mt940 import Options, tags
from mt940.models import Transactions

from billing.domain.bank import BankLine
from billing.formats.bank_fields import Unreadable, account_of, is_iban, own_account, require_pln
from billing.formats.words import BALANCE_DIFFERS, NO_ACCOUNT, NO_MONEY, NOT_MT940
from metering.formats.base import Fault, fault
from metering.formats.text import lines

_TAG = re.compile(r":(\d{2}[A-Z]?):(.*)", re.DOTALL)
#: Subfields of `:86:` begin with two digits after a sign that differs from bank to bank.
_SUBFIELD = re.compile(r"([<~?^])(\d{2})")
_NO_REFERENCE = {"", "NONREF", "NOTPROVIDED"}
_BALANCES = {"60F": tags.FinalOpeningBalance(), "62F": tags.FinalClosingBalance()}
_STATEMENT = tags.Statement()
#: What came in and is taken back (RC) is money that went out.
_OPTIONS = Options(reversal_sign=True)


def fits(head: bytes) -> bool:
    """There is the tag of a reference or an account at the beginning of a line."""
    return bool(re.search(rb"(?:^|\n):2[05]C?:", head.replace(b"\r", b"").replace(b"\0", b"")))


@dataclass
class _Statement:
    """What is known of the statement being read."""

    account: str
    sum_pln: Decimal | None = None
    sound: bool = True
    open_line: tuple[int, dict[str, Any]] | None = None


def read(data: bytes, account: str) -> Iterator[BankLine | Fault]:
    """The bookings; `account` is ours where the file names none that is an IBAN."""
    now = _Statement(account)
    for line, tag, value in _tags(data):
        try:
            if tag == "61":
                yield from _close(now)
                now.open_line = line, _entry(value)
                now.sum_pln = None if now.sum_pln is None else now.sum_pln + now.open_line[1]["amount"].amount
            elif tag == "86" and now.open_line:
                yield from _close(now, value)
            elif tag in ("25", "25P"):
                yield from _close(now)
                found = account_of(value.splitlines()[0].split("/")[-1].removesuffix("PLN"))
                now = _Statement(found if is_iban(found) else account)
            elif tag in _BALANCES:
                yield from _close(now)
                yield from _balance(now, line, tag, value)
        except Unreadable as error:
            now.sound = False
            yield error.at(line)
    yield from _close(now)


def _close(now: _Statement, details: str = "") -> Iterator[BankLine | Fault]:
    """The booking that is waiting for its details."""
    if now.open_line is None:
        return
    line, entry = now.open_line
    now.open_line = None
    title, name, partner = _details(details or entry["extra_details"] or "")
    reference = (entry["bank_reference"] or "").strip()
    try:
        if not now.account:
            raise Unreadable(":25:", NO_ACCOUNT)
        yield BankLine(
            line,
            own_account(now.account, ":25:"),
            _day(entry.get("entry_date") or entry["date"]),
            entry["amount"].amount,
            name,
            partner,
            title,
            "" if reference.upper() in _NO_REFERENCE else reference,
        )
    except Unreadable as error:
        yield error.at(line)


def _entry(value: str) -> dict[str, Any]:
    """The values of `:61:`; raises Unreadable."""
    try:
        transactions = Transactions(options=_OPTIONS)
        entry = dict(_STATEMENT(transactions, _STATEMENT.parse(transactions, value)))
    except (RuntimeError, ValueError, ArithmeticError):
        raise Unreadable(":61:", NOT_MT940, value=value[:60]) from None
    amount: Any = entry["amount"]
    amount.amount = amount.amount.quantize(Decimal("0.01"))
    if not amount.amount:
        raise Unreadable(":61:", NO_MONEY)
    return entry


def _day(found: date) -> date:
    """The library's days are a kind of their own."""
    return date(found.year, found.month, found.day)


def _balance(now: _Statement, line: int, tag: str, value: str) -> Iterator[Fault]:
    """The opening balance begins the sum, the closing one must be what it has come to."""
    try:
        transactions = Transactions(options=_OPTIONS)
        parsed = _BALANCES[tag].parse(transactions, value)
        found: Any = next(iter(_BALANCES[tag](transactions, parsed).values()))
    except (RuntimeError, ValueError, ArithmeticError):
        raise Unreadable(f":{tag}:", NOT_MT940, value=value[:60]) from None
    require_pln(found.amount.currency or "", f":{tag}:")
    if tag == "60F":
        now.sum_pln = found.amount.amount
    elif now.sum_pln is not None and now.sound and now.sum_pln != found.amount.amount:
        yield fault(line, ":62F:", BALANCE_DIFFERS, sum=f"{now.sum_pln}", value=f"{found.amount.amount}")


def _details(value: str) -> tuple[str, str, str]:
    """Title, name and account of the other side from `:86:`, with subfields or without."""
    text = value.replace("\n", "")
    parts = _SUBFIELD.split(text)
    if len(parts) < 4:
        return " ".join(value.split()), "", ""
    fields: dict[str, str] = {}
    for code, content in zip(parts[2::3], parts[3::3], strict=True):
        fields[code] = fields.get(code, "") + content
    title = "".join(fields.get(f"{code}", "") for code in range(20, 27))
    name = fields.get("32", "") + fields.get("33", "")
    if not name.strip():
        name = " ".join(fields.get(f"{code}", "").strip() for code in range(27, 30))
    accounts = [account_of(text) for text in (fields.get("38", ""), fields.get("31", ""))]
    joined = account_of(fields.get("30", "") + fields.get("31", ""))
    partner = next((found for found in (*accounts, joined) if is_iban(found)), joined)
    return " ".join(title.split()), " ".join(name.split()), partner


def _tags(data: bytes) -> Iterator[tuple[int, str, str]]:
    """Line number, tag and value; a value goes on until the next tag or the end of the message."""
    first, tag, value = 0, "", ""
    for number, text in _lines(data):
        match = _TAG.match(text)
        if match or text.startswith(("-}", "{")) or text == "-":
            if tag:
                yield first, tag, value
            first, tag, value = (number, match[1], match[2]) if match else (0, "", "")
        elif tag:
            value += f"\n{text}"
    if tag:
        yield first, tag, value


def _lines(data: bytes) -> Iterator[tuple[int, str]]:
    for number, text in lines(io.BytesIO(data)):
        yield number, text.removeprefix("\ufeff").rstrip()
