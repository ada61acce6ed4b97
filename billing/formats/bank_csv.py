"""Bank statements as CSV: our own columns, or those that Polish banks name alike."""

import io
from collections.abc import Iterator

from billing.domain.bank import BankLine
from billing.formats.bank_fields import Unreadable, account_of, amount_of, day_of, own_account, require_pln
from billing.formats.words import NO_ACCOUNT, NO_HEADING, TWO_HEADINGS
from metering.formats import text
from metering.formats.base import Fault, fault

#: Column → the headings it may have, in small letters; the first is ours.
HEADINGS: dict[str, tuple[str, ...]] = {
    "account": ("account", "rachunek", "numer rachunku", "numer konta"),
    "booked_on": ("booked_on", "data księgowania", "data operacji", "data transakcji", "data"),
    "amount": ("amount", "kwota", "kwota operacji", "kwota transakcji"),
    "currency": ("currency", "waluta"),
    "partner_name": ("partner_name", "nadawca/odbiorca", "nadawca / odbiorca", "kontrahent", "dane kontrahenta"),
    "partner_account": (
        "partner_account", "rachunek kontrahenta", "numer rachunku kontrahenta", "rachunek nadawcy/odbiorcy",
        "rachunek przeciwstawny",
    ),
    "title": ("title", "tytuł", "tytuł operacji", "opis operacji", "tytułem"),
    "reference": ("reference", "numer referencyjny", "referencje banku", "numer transakcji"),
}  # fmt: skip
NEEDED = ("booked_on", "amount", "title")
_COLUMN = {heading: column for column, headings in HEADINGS.items() for heading in headings}


def fits(head: bytes) -> bool:
    """The first line names a day and an amount."""
    found = {_COLUMN.get(heading) for heading in text.headings(text.first_line(head))}
    return {"booked_on", "amount"} <= found


def read(data: bytes, account: str) -> Iterator[BankLine | Fault]:
    """The bookings; `account` is ours where the file names none."""
    rows = text.rows(io.BytesIO(data))
    line, header = next(rows, (1, []))
    places: dict[str, int] = {}
    for place, heading in enumerate(header):
        column = _COLUMN.get(heading.casefold())
        if column in places:
            yield fault(line, heading, TWO_HEADINGS, one=header[places[column]], other=heading)
            return
        if column:
            places[column] = place
    missing = [" / ".join(HEADINGS[column]) for column in NEEDED if column not in places]
    for headings in missing:
        yield fault(line, "", NO_HEADING, columns=headings)
    if missing:
        return
    for line, values in rows:
        cells = {column: values[place] if place < len(values) else "" for column, place in places.items()}
        try:
            yield _booking(line, cells, account)
        except Unreadable as error:
            named = header[places[error.column]] if error.column in places else ""
            yield error.at(line)._replace(column=named)


def _booking(line: int, cells: dict[str, str], account: str) -> BankLine:
    ours = cells.get("account") or account
    if not ours:
        raise Unreadable("account", NO_ACCOUNT)
    require_pln(cells.get("currency", ""), "currency")
    return BankLine(
        line,
        own_account(ours, "account"),
        day_of(cells["booked_on"], "booked_on"),
        amount_of(cells["amount"], "amount"),
        cells.get("partner_name", ""),
        account_of(cells.get("partner_account", "")),
        cells["title"],
        cells.get("reference", ""),
    )
