"""Tells the sender what became of each staged line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from metering.domain.readings import STAMPED_COLUMNS, ReadingFault
from metering.services.refusals import Rules
from metering.services.staging import LineFaults, Source

_LEFT_OUT = """
SELECT source, line, {columns}
FROM (SELECT *, ctid AS place, row_number() OVER (PARTITION BY source ORDER BY ctid) AS line FROM staged) s
WHERE NOT EXISTS (SELECT FROM ({taken}) t WHERE t.place = s.place)
ORDER BY place LIMIT %(most)s
"""
_LETTERS = """
SELECT string_agg(coalesce(t.letter, 'x'), '' ORDER BY s.ctid)
FROM staged s LEFT JOIN ({taken}) t ON t.place = s.ctid
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """The lines that were not refused: a query of their `place` (a ctid of `staged`) and `letter`."""

    sql: str
    parameters: dict[str, Any]


def count_letters(cursor: Any, taken: Taken) -> dict[str, int]:
    """How many lines became what; without those refused."""
    cursor.execute(f"SELECT letter, count(*)::int FROM ({taken.sql}) t GROUP BY 1", taken.parameters)
    return dict(cursor.fetchall())


def letters_of_rows(cursor: Any, taken: Taken) -> str:
    """A letter for each line, in order; x for what was refused."""
    cursor.execute(_LETTERS.format(taken=taken.sql), taken.parameters)
    letters: str | None = cursor.fetchone()[0]
    return letters or ""


def refusals(
    cursor: Any,
    rules: Rules,
    sources: Sequence[Source],
    line_faults: LineFaults,
    taken: Taken,
    most: int,
) -> tuple[ReadingFault, ...]:
    """The first `most` of the refused lines, each with its reason and its place in its source."""
    query = _LEFT_OUT.format(columns=", ".join(STAMPED_COLUMNS), taken=taken.sql)
    cursor.execute(query, taken.parameters | {"most": most})
    faults = []
    for source, line, *values in cursor.fetchall():
        origin = sources[source]
        row = dict(zip(STAMPED_COLUMNS, values, strict=True))
        column, text = line_faults.get(line) or rules.fault(row) or _twice(row)
        faults.append(ReadingFault(origin.name, line + origin.has_header, column, text))
    return tuple(faults)


def _twice(row: dict[str, Any]) -> tuple[str, str]:
    return "interval_start", f"a second reading of {row['metering_point']} at {row['interval_start']}; send one"
