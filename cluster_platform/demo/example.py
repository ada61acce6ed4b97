"""The example cluster carried on to today: June 2026 repeats, and its tariffs and prices go on without an end.

What is derived is no real tariff or price, so the cluster and its distributor are named "(demo)".
"""

import csv
import datetime as dt
import shutil
from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

from metering.domain.calendar import format_instant, format_period, interval_starts, month_bounds, next_month

SLUG = "three-stations"
PERIOD = "2026-06"
ZONE = ZoneInfo("Europe/Warsaw")
READINGS = "readings-2026-06.csv.gz"
COPIED = ("contracts.csv", "grid_nodes.csv", "metering_points.csv", "participants.csv", "tariff_zones.csv")
END_OF_EXAMPLE = "2027-01-01"
NAMES = ("Three Stations Energy Cluster", "Example Distribution")


def twin_in_june(moment: dt.datetime) -> dt.datetime:
    """The quarter-hour of June 2026 with the same weekday and local time.

    1 June 2026 is a Monday; the weeks of the month take turns.
    """
    local = moment.astimezone(ZONE)
    week = local.isocalendar().week % 4
    twin = dt.datetime(2026, 6, 1 + 7 * week + local.weekday(), local.hour, local.minute, tzinfo=ZONE)
    return twin.astimezone(dt.UTC)


def write_dataset(example: Path, folder: Path, now: dt.datetime, with_readings: bool) -> None:
    """Write the dataset of `example` to `folder`: June 2026, and prices for the months around `now`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in (*COPIED, *([READINGS] if with_readings else [])):
        shutil.copyfile(example / name, folder / name)
    for name in ("cluster.toml", "tariff.csv", "retail.csv"):
        text = (example / name).read_text()
        for title in NAMES:
            text = text.replace(title, f"{title} (demo)")
        # An open end in the last column: in force until further notice.
        (folder / name).write_text(text.replace(f",{END_OF_EXAMPLE}\n", ",\n"))
    months = _months(first_month(now), next_month(now.astimezone(ZONE).date().replace(day=1)))
    _write_sale_prices(example, folder, months[-1])
    _write_external_prices(example, folder, months)


def first_month(now: dt.datetime) -> dt.date:
    """First day of the month from which on the demo has readings and prices beside June 2026: that of yesterday."""
    return (now.astimezone(ZONE).date() - dt.timedelta(days=1)).replace(day=1)


def _months(first: dt.date, last: dt.date) -> list[dt.date]:
    months = [first]
    while months[-1] < last:
        months.append(next_month(months[-1]))
    return months


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    with open(path, newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


def _write(path: Path, header: list[str], rows: Iterable[list[str]]) -> None:
    with open(path, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def _write_sale_prices(example: Path, folder: Path, last: dt.date) -> None:
    """Months from June 2026 on that the example does not price are priced like June."""
    header, rows = _read(example / "standard_sale.csv")
    known = {(row[0], row[1]) for row in rows}
    june = [row for row in rows if row[1] == PERIOD]
    for text in map(format_period, _months(dt.date(2026, 6, 1), last)):
        rows += [[form, text, *price] for form, _, *price in june if (form, text) not in known]
    _write(folder / "standard_sale.csv", header, rows)


def _write_external_prices(example: Path, folder: Path, months: Iterable[dt.date]) -> None:
    """June's prices, and those months' from the example or, where it has none, from June."""
    header, rows = _read(example / "external_prices.csv")
    known = {start: price for start, *price in rows}
    wanted = dict.fromkeys(interval_starts(*month_bounds(PERIOD, ZONE)))
    for month in months:
        wanted.update(dict.fromkeys(interval_starts(*month_bounds(format_period(month), ZONE))))
    prices = (
        [format_instant(start), *(known.get(format_instant(start)) or known[format_instant(twin_in_june(start))])]
        for start in sorted(wanted)
    )
    _write(folder / "external_prices.csv", header, prices)
