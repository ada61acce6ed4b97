"""`read_meter_file FILE`: shows what the platform reads in a meter file. Stores nothing and needs no database."""

import json
from argparse import ArgumentParser
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metering.domain.calendar import INTERVAL, CalendarError, format_instant, time_zone
from metering.formats.assemble import Batch, assemble
from metering.formats.base import Context, Fault, Format
from metering.formats.columns import ColumnsRefused, columns_of
from metering.formats.fields import point_in_name
from metering.formats.registry import FORMATS, HEAD_BYTES, UnknownFormat, detect

_SHOWN = 20


class Command(BaseCommand):
    """Ends with 1 if anything of the file can't be read."""

    help = "Show what the platform reads in a meter file: format, readings, faults. Nothing is stored."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--format", choices=FORMATS, help="instead of the one that the file's first bytes tell")
        parser.add_argument("--point", default="", help="the metering point of a file that names none")
        parser.add_argument("--direction", choices=("import", "export"), default="import", help="of an Energa file")
        parser.add_argument("--columns", type=Path, metavar="JSON", help="the column mapping of a spreadsheet")
        parser.add_argument("--timezone", default="Europe/Warsaw")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            tz = time_zone(options["timezone"])
            columns = columns_of(json.loads(options["columns"].read_bytes())) if options["columns"] else None
            with file.open("rb") as stream:
                head = stream.read(HEAD_BYTES)
                stream.seek(0)
                chosen = FORMATS[options["format"]] if options["format"] else detect(head)
                point = options["point"] or point_in_name(file.name)
                context = Context(tz, point, options["direction"], columns)
                issued = chosen.issued_at(head, tz) if chosen.issued_at else None
                faults = self._show(chosen, issued, assemble(chosen.read(stream, context), {}))
        except (OSError, json.JSONDecodeError, CalendarError, ColumnsRefused, UnknownFormat) as error:
            raise CommandError(f"{file.name}: {error}") from error
        if faults:
            raise CommandError(f"{faults} faults")

    def _show(self, chosen: Format, issued: datetime | None, found: Any) -> int:
        self.stdout.write(f"{chosen.name}: {chosen.title}" + (f", issued {format_instant(issued)}" if issued else ""))
        points: set[str] = set()
        times: set[str] = set()
        sums: Counter[str] = Counter()
        faults: list[Fault] = []
        count = 0
        for item in found:
            if isinstance(item, Batch):
                for row in item.rows.decode().splitlines():
                    point, start, imported, exported, quality = row.split(",")
                    points.add(point)
                    times = {min(times | {start}), max(times | {start})}
                    sums.update({"imported": int(imported), "exported": int(exported), quality: 1, "readings": 1})
            else:
                count += 1
                faults = sorted([*faults, item])[:_SHOWN]
        if times:
            end = format_instant(datetime.fromisoformat(max(times)) + INTERVAL)
            self.stdout.write(f"{sums.pop('readings')} readings of {len(points)} points from {min(times)} to {end}")
            self.stdout.write(", ".join(f"{name} {sums[name]}" for name in sorted(sums)) + " (energy in Wh)")
        for fault in faults:
            place = (f"line {fault.line}" if fault.line else "file") + (f", {fault.column}" if fault.column else "")
            self.stdout.write(f"{place}: {fault.text}")
        if count > len(faults):
            self.stdout.write(f"… and {count - len(faults)} more")
        return count
