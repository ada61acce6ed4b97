"""Which bills a bank transfer pays: by number in its title, by amount and by account.

Amounts are signed alike on both sides: positive where a participant pays, negative where it is paid.

| what the transfer has | what happens |
|---|---|
| numbers with their letters, bills of one participant | they are paid by due day; what is over is credit |
| numbers with their letters, bills of several | only if it is their open sum exactly |
| numbers without letters | as above, if the account is the participant's or it is their open sum exactly |
| no number, an account of one participant | if it is all that is open, or what exactly one bill has open |
| an account of the distributor or of an external partner | it is booked on their account, whatever the title says |
| anything else | the accountant's queue, with what it could be |

Money that goes out is never more than the bills it names.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from billing.domain.ledger import AccountKey

ZERO = Decimal("0.00")
SUGGESTED = 5
#: So many runs of digits belong to one number at most, and so many other signs stand between two of them.
_MOST_RUNS = 6
_WIDEST_GAP = 6
#: Fewer digits without their letters are no number: "12" stands in too many titles.
_FEWEST_BARE_DIGITS = 5
_LETTERS_BEFORE = 12
#: int() takes no more than 4,300 digits, and no number has as many.
_LONGEST_RUN = 40
_DIGITS = re.compile(r"\d+", re.ASCII)
_WORDS = re.compile(r"[A-Z]+")


class How(StrEnum):
    """What a transfer was told by."""

    NUMBER = "number"
    ACCOUNT = "account"
    HAND = "hand"


class Why(StrEnum):
    """Why it waits for the accountant."""

    UNKNOWN = "unknown"
    PAID = "paid"
    SEVERAL = "several"
    UNCERTAIN = "uncertain"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class OpenBill:
    """A bill with what is still open of it; `numbers` are its reference and those of its documents."""

    key: int
    participant: int
    numbers: tuple[str, ...]
    due_on: date
    open_pln: Decimal
    issued_on: date = date.min


@dataclass(frozen=True, slots=True)
class Payment:
    """A transfer that pays nothing yet; `account` is the other side's."""

    key: int
    booked_on: date
    amount_pln: Decimal
    title: str
    account: str


@dataclass(frozen=True, slots=True)
class Allocated:
    """A part of a transfer for a bill."""

    bill: int
    amount_pln: Decimal


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a transfer: `how` it is booked, or `why` it waits. `credit_of` has what no bill took.

    `outside`: no bill takes it, it is booked on this account.
    """

    payment: int
    how: How | None = None
    why: Why | None = None
    allocated: tuple[Allocated, ...] = ()
    credit_of: int | None = None
    credit_pln: Decimal = ZERO
    suggested: tuple[int, ...] = ()
    outside: AccountKey | None = None


@dataclass
class _Named:
    exact: list[OpenBill] = field(default_factory=list)
    bare: list[OpenBill] = field(default_factory=list)


class _Numbers:
    """All numbers by their digits, however a title separates and pads them."""

    def __init__(self, bills: Iterable[OpenBill]) -> None:
        self._groups: dict[tuple[int, ...], list[tuple[OpenBill, frozenset[str]]]] = defaultdict(list)
        self._joined: dict[str, list[tuple[OpenBill, frozenset[str]]]] = defaultdict(list)
        for bill in bills:
            for number in bill.numbers:
                runs = list(_DIGITS.finditer(number))
                if runs:
                    letters = frozenset(_WORDS.findall(folded(number)))
                    self._groups[_whole(runs)].append((bill, letters))
                    self._joined["".join(run[0] for run in runs)].append((bill, letters))

    def named_in(self, title: str) -> _Named:
        """The bills whose numbers stand in the title; the longest reading of its digits holds."""
        text = folded(title)
        runs = list(_DIGITS.finditer(text))
        used: set[int] = set()
        exact: dict[int, OpenBill] = {}
        bare: dict[int, OpenBill] = {}
        for count in range(min(_MOST_RUNS, len(runs)), 0, -1):
            for start in range(len(runs) - count + 1):
                window = runs[start : start + count]
                places = set(range(start, start + count))
                if places & used or any(b.start() - a.end() > _WIDEST_GAP for a, b in pairwise(window)):
                    continue
                digits = "".join(run[0] for run in window)
                found = self._groups.get(_whole(window), []) or self._joined.get(digits, [])
                before = runs[start - 1].end() if start else 0
                around = text[max(before, window[0].start() - _LETTERS_BEFORE) : window[-1].end()]
                words = set(_WORDS.findall(around))
                with_letters = [bill for bill, letters in found if letters and letters <= words]
                if with_letters:
                    exact |= {bill.key: bill for bill in with_letters}
                elif found and len(digits) >= _FEWEST_BARE_DIGITS:
                    bare |= {bill.key: bill for bill, _ in found}
                else:
                    continue
                used |= places
        return _Named(list(exact.values()), [bill for bill in bare.values() if bill.key not in exact])


def _whole(window: Sequence[re.Match[str]]) -> tuple[int, ...]:
    return tuple(int(run[0][-_LONGEST_RUN:]) for run in window)


def digits_in(titles: Iterable[str]) -> frozenset[str]:
    """What the last run of a number's digits (without zeros before it), or all of them, can be where a title names it.

    >>> sorted(digits_in(["FS 2026/00012"]))
    ['00012', '12', '2026', '202600012']
    """
    found: set[str] = set()
    for title in titles:
        runs = [run[0] for run in _DIGITS.finditer(folded(title))]
        found.update(run[-_LONGEST_RUN:].lstrip("0") for run in runs)
        for start in range(len(runs)):
            for count in range(1, _MOST_RUNS + 1):
                found.add("".join(runs[start : start + count]))
    return frozenset(found)


def folded(text: str) -> str:
    """Capital letters without accents.

    >>> folded("Opłata za Fs/2026")
    'OPLATA ZA FS/2026'
    """
    decomposed = unicodedata.normalize("NFKD", text.upper().replace("Ł", "L"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def match(
    payments: Iterable[Payment], bills: Iterable[OpenBill], accounts: Mapping[str, frozenset[int]],
    outside: Mapping[str, AccountKey] | None = None,
) -> list[Decision]:  # fmt: skip
    """What becomes of each transfer, in the order of days; `accounts` has the participants of known accounts.

    `outside` has the ledger accounts of the distributor's and the external partners' bank accounts.

    The order in which the arguments are given does not matter: transfers take what is open in the order of day, amount,
    title and key.
    """
    by_key = {bill.key: bill for bill in sorted(bills, key=lambda bill: (bill.due_on, bill.key))}
    desk = _Desk(by_key, _Numbers(by_key.values()), accounts, outside or {})
    ordered = sorted(payments, key=lambda each: (each.booked_on, each.amount_pln, each.title, each.key))
    return [desk.decide(payment) for payment in ordered]


class _Desk:
    """Takes transfers one by one; what one has paid is not open for the next."""

    def __init__(
        self, bills: Mapping[int, OpenBill], numbers: _Numbers, accounts: Mapping[str, frozenset[int]],
        outside: Mapping[str, AccountKey],
    ) -> None:  # fmt: skip
        self.bills, self.numbers, self.accounts, self.outside = bills, numbers, accounts, outside
        self.open = {key: bill.open_pln for key, bill in bills.items()}
        self.by_participant: dict[int, list[OpenBill]] = defaultdict(list)
        for bill in bills.values():
            self.by_participant[bill.participant].append(bill)

    def decide(self, payment: Payment) -> Decision:
        """Book it or say why not."""
        owners = self.accounts.get(payment.account, frozenset()) if payment.account else frozenset()
        if payment.account in self.outside and not owners:
            return Decision(payment.key, How.ACCOUNT, outside=self.outside[payment.account])
        named = self.numbers.named_in(payment.title)
        if named.exact:
            return self._named(payment, named.exact)
        if named.bare:
            open_ones = self._open(named.bare, payment.amount_pln)
            people = {bill.participant for bill in named.bare}
            sure = (len(people) == 1 and people <= owners) or self._sum(open_ones) == payment.amount_pln
            if sure and open_ones:
                return self._named(payment, named.bare)
            return self._wait(payment, Why.UNCERTAIN if open_ones else Why.PAID, named.bare)
        if len(owners) == 1:
            return self._by_account(payment, next(iter(owners)))
        same = [bill for bill in self.bills.values() if self.open[bill.key] == payment.amount_pln]
        return self._wait(payment, Why.UNKNOWN, same)

    def _named(self, payment: Payment, bills: Sequence[OpenBill]) -> Decision:
        open_ones = self._open(bills, payment.amount_pln)
        if not open_ones:
            return self._wait(payment, Why.PAID, bills)
        people = {bill.participant for bill in bills}
        if len(people) > 1 and self._sum(open_ones) != payment.amount_pln:
            return self._wait(payment, Why.SEVERAL, bills)
        if payment.amount_pln < 0 and self._sum(open_ones) > payment.amount_pln:
            return self._wait(payment, Why.AMOUNT, bills)
        return self._book(payment, How.NUMBER, open_ones)

    def _by_account(self, payment: Payment, participant: int) -> Decision:
        open_ones = self._open(self.by_participant[participant], payment.amount_pln)
        if open_ones and self._sum(open_ones) == payment.amount_pln:
            return self._book(payment, How.ACCOUNT, open_ones)
        same = [bill for bill in open_ones if self.open[bill.key] == payment.amount_pln]
        if len(same) == 1:
            return self._book(payment, How.ACCOUNT, same)
        return self._wait(payment, Why.AMOUNT, open_ones)

    def _book(self, payment: Payment, how: How, bills: Sequence[OpenBill]) -> Decision:
        allocated, rest = split(payment.amount_pln, [(bill.key, self.open[bill.key]) for bill in bills])
        for each in allocated:
            self.open[each.bill] -= each.amount_pln
        return Decision(payment.key, how, None, allocated, bills[0].participant if rest else None, rest)

    def _wait(self, payment: Payment, why: Why, bills: Sequence[OpenBill]) -> Decision:
        likely = self._open(bills, payment.amount_pln)
        return Decision(payment.key, why=why, suggested=tuple(bill.key for bill in likely[:SUGGESTED]))

    def _open(self, bills: Sequence[OpenBill], amount: Decimal) -> list[OpenBill]:
        """Those with anything open on the side of the transfer, the one due first first."""
        found = [bill for bill in bills if self.open[bill.key] * amount > 0]
        return sorted(found, key=lambda bill: (bill.due_on, bill.key))

    def _sum(self, bills: Sequence[OpenBill]) -> Decimal:
        return sum((self.open[bill.key] for bill in bills), ZERO)


def split(amount_pln: Decimal, bills: Sequence[tuple[int, Decimal]]) -> tuple[tuple[Allocated, ...], Decimal]:
    """Pay bills (key, open) one after the other; returns the parts and what is left over."""
    parts, rest = [], amount_pln
    for key, open_pln in bills:
        if rest * open_pln <= 0:
            continue
        part = min(rest, open_pln) if rest > 0 else max(rest, open_pln)
        parts.append(Allocated(key, part))
        rest -= part
    return tuple(parts), rest
