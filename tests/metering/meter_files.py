"""Reading meter files in tests: the samples, spoiled or not, as readings and faults."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from metering.formats.assemble import Batch, Generation, assemble
from metering.formats.base import Context, Fault
from metering.formats.registry import FORMATS, detect

SAMPLES = Path(__file__).parent / "samples"
WARSAW = ZoneInfo("Europe/Warsaw")
POINT = "590322400000000010"
CONTEXT = Context(WARSAW, point=POINT)
QUARTER = timedelta(minutes=15)
#: (metering point, UTC start) → imported Wh, exported Wh, quality.
Readings = dict[tuple[str, datetime], tuple[int, int, str]]


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def read_file(
    data: bytes, context: Context = CONTEXT, generation: Generation | None = None, format_: str = ""
) -> tuple[Readings, list[Fault]]:
    """What a file gives; its format is detected unless it is named."""
    chosen = FORMATS[format_] if format_ else detect(data)
    if chosen.names_point and chosen.name != "xlsx":
        context = replace(context, point="")
    readings: Readings = {}
    faults = []
    for item in assemble(chosen.read(io.BytesIO(data), context), generation or {}, batch_rows=1000):
        if isinstance(item, Fault):
            faults.append(item)
            continue
        for row in item.rows.decode().splitlines():
            point, start, imported, exported, quality = row.split(",")
            key = point, datetime.fromisoformat(start)
            assert key not in readings
            readings[key] = int(imported), int(exported), quality
    return readings, sorted(faults)


def batches(data: bytes, context: Context = CONTEXT) -> list[Batch]:
    found = assemble(detect(data).read(io.BytesIO(data), context), {})
    return [item for item in found if isinstance(item, Batch)]


def day(local: str) -> tuple[datetime, int]:
    """The UTC start of a local day in Warsaw and its number of quarter-hours."""
    start = datetime.fromisoformat(local).replace(tzinfo=WARSAW)
    end = (start + timedelta(days=1)).replace(tzinfo=WARSAW)
    return start.astimezone(UTC), (end.astimezone(UTC) - start.astimezone(UTC)) // QUARTER


def tauron(labels: list[str], values: list[str] | None = None, kind: str = "pobór") -> bytes:
    """A Tauron file of these hours of import."""
    values = values or [f"0,{number:03d}" for number in range(1, len(labels) + 1)]
    rows = [f"{label};{value};{kind};" for label, value in zip(labels, values, strict=True)]
    return "\r\n".join(["Data; Wartość kWh;Rodzaj;", *rows, ""]).encode()


def hours(readings: Readings) -> dict[datetime, int]:
    """Imported energy by UTC hour [Wh]."""
    found: dict[datetime, int] = {}
    for (_, start), (imported, _, _) in readings.items():
        hour = start.replace(minute=0)
        found[hour] = found.get(hour, 0) + imported
    return found
