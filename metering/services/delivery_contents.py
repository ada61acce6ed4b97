"""What a file holds, for the preview: by metering point and day, and what is wrong."""

from datetime import date
from zoneinfo import ZoneInfo

from django.db import connection

from metering.domain.calendar import local_day, parse_instant
from metering.formats.assemble import Batch
from metering.models import Delivery, DeliveryFault

#: So many different faults are kept; all are counted.
MOST_FAULTS = 1000
_LETTERS = "arusx"
_ADD = """
INSERT INTO metering_deliveryday AS d (cluster_id, delivery_id, point, day, accepted, replaced, unchanged, superseded,
    refused, imported_wh, exported_wh)
SELECT %s, %s, * FROM unnest(%s::text[], %s::date[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[],
    %s::bigint[], %s::bigint[])
ON CONFLICT (cluster_id, delivery_id, point, day) DO UPDATE SET
    accepted = d.accepted + excluded.accepted, replaced = d.replaced + excluded.replaced,
    unchanged = d.unchanged + excluded.unchanged, superseded = d.superseded + excluded.superseded,
    refused = d.refused + excluded.refused, imported_wh = d.imported_wh + excluded.imported_wh,
    exported_wh = d.exported_wh + excluded.exported_wh
"""


class Faults:
    """Collects what is wrong, the same in several lines once."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: dict[tuple[str, str], tuple[int, int]] = {}

    def add(self, line: int, column: str, text: str) -> None:
        """One more."""
        self.count += 1
        key = column[:100], text
        if key in self._kept:
            first, lines = self._kept[key]
            self._kept[key] = min(first, line), lines + 1
        elif len(self._kept) < MOST_FAULTS:
            self._kept[key] = line, 1

    def store(self, delivery: Delivery) -> None:
        """In the order of the file. Needs the scope."""
        found = sorted((line, column, text, lines) for (column, text), (line, lines) in self._kept.items())
        DeliveryFault.objects.bulk_create(
            DeliveryFault(
                cluster_id=delivery.cluster_id, delivery=delivery, number=number, line=line, column=column, text=text,
                lines=lines,
            )
            for number, (line, column, text, lines) in enumerate(found)
        )  # fmt: skip


def add_days(delivery: Delivery, batch: Batch, letters: str, tz: ZoneInfo) -> None:
    """Count a batch by metering point and local day; `letters` say what would become of each reading. Energy of
    those refused is left out. Needs the scope."""
    days: dict[str, date] = {}
    sums: dict[tuple[str, date], list[int]] = {}
    for row, letter in zip(batch.rows.decode().splitlines(), letters, strict=True):
        point, start, imported, exported, _ = row.split(",")
        day = days.get(start)
        if day is None:
            day = days[start] = local_day(parse_instant(start), tz)
        found = sums.setdefault((point, day), [0] * 7)
        found[_LETTERS.index(letter)] += 1
        if letter != "x":
            found[5] += int(imported)
            found[6] += int(exported)
    columns = [list(column) for column in zip(*((*key, *values) for key, values in sums.items()), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [delivery.cluster_id, delivery.pk, *columns])
