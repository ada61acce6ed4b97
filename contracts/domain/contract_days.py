"""Which scheme a participant is settled under, day by day."""

from dataclasses import dataclass
from datetime import date

_NEVER = date.max


@dataclass(frozen=True, order=True)
class Days:
    """One scheme for the local days [first, end); end None = open."""

    first: date
    end: date | None
    scheme: str


def with_scheme(rows: list[Days], first: date, end: date | None, scheme: str | None) -> list[Days]:
    """The same days, but `scheme` for [first, end); None = not settled at all. Equal neighbours become one."""
    last = end or _NEVER
    kept = []
    for row in rows:
        if row.first < first:
            kept.append(Days(row.first, _open(min(row.end or _NEVER, first)), row.scheme))
        if (row.end or _NEVER) > last:
            kept.append(Days(max(row.first, last), row.end, row.scheme))
    if scheme is not None:
        kept.append(Days(first, end, scheme))
    return _merged(sorted(kept, key=lambda row: row.first))


def scheme_on(rows: list[Days], day: date) -> str | None:
    """The scheme in force on a local day."""
    return next((row.scheme for row in rows if row.first <= day < (row.end or _NEVER)), None)


def _merged(rows: list[Days]) -> list[Days]:
    merged: list[Days] = []
    for row in rows:
        if merged and merged[-1].end == row.first and merged[-1].scheme == row.scheme:
            merged[-1] = Days(merged[-1].first, row.end, row.scheme)
        else:
            merged.append(row)
    return merged


def _open(day: date) -> date | None:
    return None if day == _NEVER else day
