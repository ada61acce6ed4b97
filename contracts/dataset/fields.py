"""Reads single values of a row or of a TOML table, strictly; a bad one is noted and stands in for by an empty value."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import stdnum.exceptions
from stdnum import iban
from stdnum.pl import nip

from contracts.dataset.faults import Faults
from contracts.domain.zones import ZoneError, parse_clock, parse_months
from metering.domain.calendar import CalendarError, is_aligned, parse_day, parse_instant, parse_period

_DECIMAL = re.compile(r"(-?)(\d+)(?:\.(\d+))?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_NO_DAY = date(1, 1, 1)
MAX_INTEGER = 2**31 - 1


def gsrn_is_valid(code: str) -> bool:
    """Whether 18 digits end in their GS1 modulo-10 check digit (weights 3, 1, 3, … from the left)."""
    if len(code) != 18 or not (code.isascii() and code.isdigit()):
        return False
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(code[:17]))
    return (10 - total % 10) % 10 == int(code[17])


class Fields:
    """Typed access to the named texts of one place in a file."""

    def __init__(self, faults: Faults, file: str, line: int | Callable[[str], int], values: Mapping[str, str]) -> None:
        self._faults = faults
        self._file = file
        self._line = line
        self._values = values

    def fault(self, column: str, text: str) -> None:
        """Note a mistake of this place; one is enough for a value."""
        line = self._line_of(column)
        if not self._faults.told(self._file, line, column):
            self._faults.add(self._file, line, column, text)

    def _line_of(self, column: str) -> int:
        return self._line if isinstance(self._line, int) else self._line(column)

    def nested(self, column: str, values: Mapping[str, str]) -> "Fields":
        """The values of a table inside `column`; their mistakes are told at its place."""
        return Fields(self._faults, self._file, self._line_of(column), values)

    def has(self, column: str) -> bool:
        """Whether there is such a value at all."""
        return column in self._values

    def optional(self, column: str, limit: int = 200) -> str:
        """A text that may be empty."""
        value = self._values.get(column, "")
        if value != value.strip():
            self.fault(column, f"'{value}' starts or ends with a space; remove it")
        elif _CONTROL.search(value):
            self.fault(column, "there is a control character in the text; remove it")
        elif len(value) > limit:
            self.fault(column, f"the text has {len(value)} characters; at most {limit} are allowed")
        return value

    def text(self, column: str, limit: int = 200) -> str:
        """A text that may not be empty."""
        value = self.optional(column, limit)
        if not value:
            self.fault(column, "the value is missing; fill it in")
        return value

    def choice(self, column: str, options: Sequence[str]) -> str:
        """One of the given words."""
        value = self._values.get(column, "")
        if value not in options:
            self.fault(column, f"'{value}' is not one of {', '.join(options)}")
        return value

    def yes_no(self, column: str) -> bool:
        """`yes` or `no`."""
        return self.choice(column, ("yes", "no")) == "yes"

    def day(self, column: str) -> date:
        """A local day."""
        try:
            return parse_day(self._values.get(column, ""))
        except CalendarError as error:
            self.fault(column, str(error))
            return _NO_DAY

    def optional_day(self, column: str) -> date | None:
        """A local day, or None where it is empty."""
        return self.day(column) if self._values.get(column) else None

    def end_day(self, start: date) -> date | None:
        """`valid_to`, exclusive: open or after `start`."""
        end = self.optional_day("valid_to")
        if end is not None and _NO_DAY not in (start, end) and end <= start:
            self.fault("valid_to", f"{end} must lie after valid_from; it is exclusive")
        return end

    def month(self, column: str) -> date:
        """The first day of a month."""
        try:
            return parse_period(self._values.get(column, ""))
        except CalendarError as error:
            self.fault(column, str(error))
            return _NO_DAY

    def quarter_hour(self, column: str) -> datetime | None:
        """The UTC start of a quarter-hour; None if it is bad."""
        try:
            instant = parse_instant(self._values.get(column, ""))
        except CalendarError as error:
            self.fault(column, str(error))
            return None
        if not is_aligned(instant):
            self.fault(column, f"'{self._values[column]}' does not start a quarter-hour")
            return None
        return instant

    def integer(self, column: str) -> int:
        """A whole number, not negative."""
        value = self._values.get(column, "")
        if not (value.isascii() and value.isdigit()) or int(value) > MAX_INTEGER:
            self.fault(column, f"'{value}' is not a whole number from 0 to {MAX_INTEGER}")
            return 0
        return int(value)

    def optional_integer(self, column: str) -> int | None:
        """A whole number, or None where it is empty."""
        return self.integer(column) if self._values.get(column) else None

    def decimal(self, column: str, places: int, *, whole: int = 6, negative: bool = False) -> Decimal:
        """A decimal with at most `places` decimals and `whole` digits before the point."""
        value = self._values.get(column, "")
        match = _DECIMAL.fullmatch(value)
        if not match:
            self.fault(column, f"'{value}' is not a decimal number such as 0.25")
        elif match[1] and not negative:
            self.fault(column, f"{value} is negative; it can't be")
        elif len(match[3] or "") > places:
            self.fault(column, f"{value} has more than {places} decimals; round it")
        elif len(match[2].lstrip("0")) > whole:
            self.fault(column, f"{value} is too large")
        else:
            return Decimal(value)
        return Decimal(0)

    def share(self, column: str, places: int = 6) -> Decimal:
        """A decimal from 0 to 1."""
        value = self.decimal(column, places)
        if value > 1:
            self.fault(column, f"{value} is more than 1; give a share from 0 to 1")
        return value

    def months(self, column: str) -> str:
        """A range of months of the year."""
        value = self._values.get(column, "")
        try:
            parse_months(value)
        except ZoneError as error:
            self.fault(column, str(error))
        return value

    def clock(self, column: str) -> int | None:
        """Minutes after midnight, or None where it is empty."""
        value = self._values.get(column, "")
        try:
            return parse_clock(value) if value else None
        except ZoneError as error:
            self.fault(column, str(error))
            return None

    def gsrn(self, column: str) -> str:
        """The code of a metering point: 18 digits, the last one their check digit."""
        value = self._values.get(column, "")
        if not (len(value) == 18 and value.isascii() and value.isdigit()):
            self.fault(column, f"'{value}' is not a code of 18 digits")
        elif not gsrn_is_valid(value):
            self.fault(column, f"the check digit of '{value}' is wrong; look for a mistyped digit")
        return value

    def nip(self, column: str, *, required: bool) -> str:
        """A Polish tax number of ten digits, or empty where it need not be."""
        value = self.text(column) if required else self.optional(column)
        if value and not (len(value) == 10 and nip.is_valid(value)):
            self.fault(column, f"'{value}' is not a tax number of ten digits with a right check digit")
        return value

    def iban(self, column: str, *, required: bool) -> str:
        """A bank account, or empty where it need not be."""
        value = self.text(column) if required else self.optional(column)
        if value:
            try:
                right = iban.validate(value, check_country=False) == value
            except stdnum.exceptions.ValidationError:
                right = False
            if not right:
                self.fault(column, f"'{value}' is not a bank account (IBAN without spaces) with right check digits")
        return value

    def email(self, column: str) -> str:
        """An e-mail address, or empty."""
        value = self.optional(column)
        if value and not _EMAIL.fullmatch(value):
            self.fault(column, f"'{value}' is not an e-mail address")
        return value

    def country(self, column: str, *, required: bool) -> str:
        """A two-letter country code, or empty where it need not be."""
        value = self.text(column) if required else self.optional(column)
        if value and not _COUNTRY.fullmatch(value):
            self.fault(column, f"'{value}' is not a country code of two capital letters")
        return value
