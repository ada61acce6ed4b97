"""What a file holds: by metering point and day, what is wrong, and what is still to be stored."""

import zlib
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection
from django.db.models import F, Max

from metering.domain.calendar import local_day, parse_instant
from metering.domain.readings import ReadingFault
from metering.formats.assemble import Batch
from metering.models import Delivery, DeliveryBatch, DeliveryFault

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
        """In the order of the file, behind what is stored of it. Needs the scope."""
        stored = DeliveryFault.objects.filter(delivery=delivery)
        found = []
        for (column, text), (line, lines) in self._kept.items():
            if not stored.filter(column=column, text=text).update(lines=F("lines") + lines):
                found.append((line, column, text, lines))
        last = stored.aggregate(last=Max("number"))["last"]
        first_free = 0 if last is None else last + 1
        DeliveryFault.objects.bulk_create(
            DeliveryFault(
                cluster_id=delivery.cluster_id, delivery=delivery, number=number, line=line, column=column, text=text,
                lines=lines,
            )
            for number, (line, column, text, lines) in enumerate(sorted(found)[: MOST_FAULTS - first_free], first_free)
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


def keep_good(delivery: Delivery, number: int, batch: Batch, letters: str) -> None:
    """Keep what is to be stored of a batch: the readings but those that the preview refused (x). Needs the scope."""
    good = np.frombuffer(letters.encode(), dtype="S1") != b"x"
    rows = batch.rows
    if not good.all():
        rows = b"".join(row for row, right in zip(rows.splitlines(keepends=True), good.tolist(), strict=True) if right)
    lines = np.concatenate((batch.import_lines[good], batch.export_lines[good])).astype("<i8").tobytes()
    DeliveryBatch.objects.create(
        cluster_id=delivery.cluster_id, delivery=delivery, number=number, readings=len(good),
        rows=zlib.compress(rows, 1), lines=zlib.compress(lines, 1),
    )  # fmt: skip


def add_late_faults(batch: DeliveryBatch, refused: Sequence[ReadingFault]) -> None:
    """Tell of readings that were right in the preview and are refused now, as when their metering point was closed in
    between. Needs the scope."""
    if not refused:
        return
    imports, exports = np.frombuffer(zlib.decompress(batch.lines), dtype="<i8").reshape(2, -1)
    faults = Faults()
    for fault in refused:
        line = (exports if fault.column == "exported_wh" else imports)[fault.line - 1]
        faults.add(int(line), fault.column, fault.text)
    faults.store(batch.delivery)
