"""Two layouts of readings, measured: a row per quarter-hour, as kept, against a row per point and day with arrays.

`python -m bench.layouts [POINTS [DAYS]]`, by default 10,000 points and 31 days: about a quarter of an hour and 10 GB of
disk for a while, on an embedded database of its own that is gone afterwards. Both tables are reached by the
application's role and have the same protection: policy, checks, key, links, a partition a month.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from cluster_platform import embedded
from participants.tenancy.bulk_links import create_links

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "layouts"
QUARTERS = 96
CORRECTIONS = 200
FIRST = date(2026, 1, 1)
WARSAW = ZoneInfo("Europe/Warsaw")

_DAYS_TABLE = """
CREATE TABLE bench_day (
    cluster_id bigint NOT NULL, metering_point_id bigint NOT NULL, day date NOT NULL, version integer NOT NULL,
    imported_wh integer[] NOT NULL, exported_wh integer[] NOT NULL, quality smallint[] NOT NULL,
    PRIMARY KEY (cluster_id, metering_point_id, day, version),
    CHECK (version >= 1), CHECK (0 <= ALL(imported_wh)), CHECK (0 <= ALL(exported_wh)),
    CHECK (1 <= ALL(quality) AND 4 >= ALL(quality)), CHECK (cardinality(imported_wh) = cardinality(exported_wh))
) PARTITION BY RANGE (day);
CREATE TABLE bench_day_2026 PARTITION OF bench_day FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
ALTER TABLE bench_day ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY bench_day_cluster ON bench_day USING ({policy}) WITH CHECK ({policy});
"""
_STAGE = "CREATE TEMPORARY TABLE arrived (point bigint, at timestamptz, imported int, exported int, quality smallint)"
#: A local day, quarter-hour by quarter-hour, as a file of all points would bring it.
_ARRIVE = """
INSERT INTO arrived
SELECT p, at, (random() * 900)::int, CASE WHEN p %% 4 = 0 THEN (random() * 900)::int ELSE 0 END, 1
FROM generate_series(1, %(points)s) p,
     generate_series(%(start)s::timestamptz, %(start)s::timestamptz + %(quarters)s * interval '15 min' - interval '1 s',
                     interval '15 min') at
"""
_COLUMNS = "cluster_id, metering_point_id, interval_start, version, imported_wh, exported_wh, quality"
_LOCAL = "(at AT TIME ZONE 'Europe/Warsaw')::date"


class Rows:
    """A row per quarter-hour: metering_reading as it is."""

    name = "row per quarter-hour"
    table = "metering_reading"
    bulk = f"""
        INSERT INTO metering_reading ({_COLUMNS}) SELECT 1, point, at, 1, imported, exported, quality FROM arrived
    """
    live_first = live = bulk
    correct = f"""
        INSERT INTO metering_reading ({_COLUMNS})
        SELECT cluster_id, metering_point_id, interval_start, version + 1, %(value)s, exported_wh, 3
        FROM (SELECT * FROM metering_reading WHERE cluster_id = 1 AND metering_point_id = %(point)s
              AND interval_start = %(start)s ORDER BY version DESC LIMIT 1) held
    """
    quarter = """
        SELECT DISTINCT ON (metering_point_id) metering_point_id, exported_wh - imported_wh, quality
        FROM metering_reading WHERE cluster_id = 1 AND interval_start = %(start)s
        ORDER BY metering_point_id, version DESC
    """
    day = """
        SELECT DISTINCT ON (metering_point_id, interval_start) metering_point_id,
            extract(epoch FROM interval_start)::bigint, exported_wh - imported_wh, quality
        FROM metering_reading WHERE cluster_id = 1 AND interval_start >= %(start)s AND interval_start < %(end)s
        ORDER BY metering_point_id, interval_start, version DESC
    """
    month = """
        SELECT metering_point_id, sum(imported_wh), sum(exported_wh) FROM (
            SELECT DISTINCT ON (metering_point_id, interval_start) metering_point_id, imported_wh, exported_wh
            FROM metering_reading
            WHERE cluster_id = 1 AND interval_start >= %(first)s AND interval_start < %(finish)s {point}
            ORDER BY metering_point_id, interval_start, version DESC) held
        GROUP BY 1
    """


class Days:
    """A row per point and local day: an array of the day's quarter-hours; a correction is a new version of the day."""

    name = "row per point and day"
    table = "bench_day"
    bulk = f"""
        INSERT INTO bench_day SELECT 1, point, {_LOCAL}, 1, array_agg(imported ORDER BY at),
            array_agg(exported ORDER BY at), array_agg(quality ORDER BY at)
        FROM arrived GROUP BY point, {_LOCAL}
    """
    live_first = bulk
    live = f"""
        UPDATE bench_day d SET imported_wh = d.imported_wh || imported, exported_wh = d.exported_wh || exported,
            quality = d.quality || a.quality
        FROM arrived a
        WHERE cluster_id = 1 AND metering_point_id = point AND day = {_LOCAL} AND version = 1
    """
    correct = """
        INSERT INTO bench_day SELECT cluster_id, metering_point_id, day, version + 1,
            imported_wh[:%(place)s] || %(value)s || imported_wh[%(place)s + 2:], exported_wh,
            quality[:%(place)s] || 3::smallint || quality[%(place)s + 2:]
        FROM (SELECT * FROM bench_day WHERE cluster_id = 1 AND metering_point_id = %(point)s AND day = %(day)s
              ORDER BY version DESC LIMIT 1) held
    """
    quarter = """
        SELECT DISTINCT ON (metering_point_id) metering_point_id,
            exported_wh[%(place)s + 1] - imported_wh[%(place)s + 1], quality[%(place)s + 1]
        FROM bench_day WHERE cluster_id = 1 AND day = %(day)s ORDER BY metering_point_id, version DESC
    """
    day = """
        SELECT DISTINCT ON (metering_point_id) metering_point_id, imported_wh, exported_wh, quality
        FROM bench_day WHERE cluster_id = 1 AND day = %(day)s ORDER BY metering_point_id, version DESC
    """
    month = """
        SELECT metering_point_id, sum((SELECT sum(wh) FROM unnest(imported_wh) wh)),
            sum((SELECT sum(wh) FROM unnest(exported_wh) wh))
        FROM (SELECT DISTINCT ON (metering_point_id, day) metering_point_id, imported_wh, exported_wh
              FROM bench_day WHERE cluster_id = 1 AND day >= %(first_day)s AND day < %(finish_day)s {point}
              ORDER BY metering_point_id, day, version DESC) held
        GROUP BY 1
    """


Layout = type[Rows] | type[Days]
LAYOUTS: tuple[Layout, ...] = (Rows, Days)


class Bench:
    """One run: a cluster of so many points, and both tables."""

    def __init__(self, points: int, days: int) -> None:
        self.points, self.days = points, days
        owner, app = embedded.database_urls(VAR)[1], embedded.database_urls(VAR)[0]
        self.owner = psycopg.connect(owner, autocommit=True)
        self.app = psycopg.connect(app)
        self.day_of = [FIRST + timedelta(days=number) for number in range(days + 1)]

    def prepare(self) -> None:
        """The cluster's points, and the second table with the same protection."""
        self.owner.execute("INSERT INTO participants_dso (id, name, nip, iban) VALUES (1, 'Bench', '1000237576', 'PL')")
        self.owner.execute(
            "INSERT INTO participants_cluster (id, slug, name, timezone, holidays, currency, interval_minutes, "
            "latitude, longitude, dso_id) "
            "VALUES (1, 'bench', 'Bench', 'Europe/Warsaw', 'PL', 'PLN', 15, 52, 21, 1)"
        )
        self.owner.execute(
            "INSERT INTO metering_meteringpoint (id, cluster_id, code) SELECT p, 1, lpad(p::text, 18, '0') "
            "FROM generate_series(1, %s) p",
            [self.points],
        )
        policy = self.owner.execute(
            "SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = 'metering_reading'::regclass"
        ).fetchone()
        for statement in _DAYS_TABLE.format(policy=policy and policy[0]).split(";"):
            if statement.strip():
                self.owner.execute(statement)
        for statement in create_links("bench_day", [("metering_point_id", "metering_meteringpoint")]):
            self.owner.execute(statement)
        user = self.app.info.user
        self.owner.execute(f"GRANT SELECT, INSERT, UPDATE ON bench_day TO {user}")
        self.owner.execute("ANALYZE metering_meteringpoint")
        with self.scope() as cursor:
            cursor.execute(
                "SELECT ensure_month_partitions('metering_reading', %s, %s)", [self.start(0), self.start(self.days)]
            )

    @contextmanager
    def scope(self) -> Iterator[Any]:
        """A transaction of the application's role in the cluster."""
        with self.app.transaction(), self.app.cursor(binary=True) as cursor:
            cursor.execute("SELECT set_config('app.clusters', '{1}', true)")
            yield cursor

    def start(self, day: int) -> datetime:
        first = self.day_of[day]
        return datetime(first.year, first.month, first.day, tzinfo=WARSAW).astimezone(UTC)

    def arrive(self, start: datetime, quarters: int) -> None:
        """Readings of all points as a delivery stages them."""
        self.app.execute("DROP TABLE IF EXISTS pg_temp.arrived")
        self.app.execute(_STAGE)
        self.app.execute(_ARRIVE, {"points": self.points, "start": start, "quarters": quarters})
        self.app.execute("ANALYZE arrived")
        self.app.commit()

    def run(self, sql: str, values: dict[str, Any] | None = None) -> float:
        """Seconds of a statement with its commit and, if it reads, all its rows at the client."""
        start = time.perf_counter()
        with self.scope() as cursor:
            cursor.execute(sql, values or {})
            if cursor.description:
                cursor.fetchall()
        return time.perf_counter() - start

    def best(self, sql: str, values: dict[str, Any], times: int = 3) -> float:
        return min(self.run(sql, values) for _ in range(times))

    def bulk(self) -> dict[str, float]:
        """A month, a day's delivery at a time."""
        spent = {layout.name: 0.0 for layout in LAYOUTS}
        for day in range(self.days - 1):
            self.arrive(self.start(day), QUARTERS)
            for layout in LAYOUTS:
                spent[layout.name] += self.run(layout.bulk)
        return {name: seconds * self.days / (self.days - 1) for name, seconds in spent.items()}

    def live(self) -> dict[str, float]:
        """The last day quarter-hour by quarter-hour; seconds of one, on average."""
        spent = {layout.name: 0.0 for layout in LAYOUTS}
        for quarter in range(QUARTERS):
            self.arrive(self.start(self.days - 1) + quarter * timedelta(minutes=15), 1)
            for layout in LAYOUTS:
                spent[layout.name] += self.run(layout.live if quarter else layout.live_first)
        return {name: seconds / QUARTERS for name, seconds in spent.items()}

    def settle_down(self) -> None:
        for layout in LAYOUTS:
            self.owner.execute(f"VACUUM ANALYZE {layout.table}")

    def corrections(self) -> dict[str, float]:
        """One value of one point, looked up and stored as a new version; seconds of one, on average."""
        spent = {layout.name: 0.0 for layout in LAYOUTS}
        for number in range(CORRECTIONS):
            place = random.Random(number)
            values = self.at(place.randrange(self.days), place.randrange(QUARTERS)) | {
                "point": place.randrange(1, self.points + 1), "value": 7,
            }  # fmt: skip
            for layout in LAYOUTS:
                spent[layout.name] += self.run(layout.correct, values)
        return {name: seconds / CORRECTIONS for name, seconds in spent.items()}

    def at(self, day: int, quarter: int = 0) -> dict[str, Any]:
        """Parameters of the queries: a quarter-hour, its day, the month."""
        return {
            "start": self.start(day) + quarter * timedelta(minutes=15), "end": self.start(day + 1), "place": quarter,
            "day": self.day_of[day], "first": self.start(0), "finish": self.start(self.days), "first_day": FIRST,
            "finish_day": self.day_of[self.days],
        }  # fmt: skip

    def reads(self) -> dict[str, dict[str, float]]:
        """Seconds of what clearing and billing read, with the rows at the client."""
        middle = self.at(self.days // 2, 48)
        whole = middle | {"start": self.start(self.days // 2)}
        found: dict[str, dict[str, float]] = {}
        for layout in LAYOUTS:
            one = layout.month.format(point="AND metering_point_id = 77")
            asked = {
                "quarter-hour of all points": (layout.quarter, middle),
                "local day of all points": (layout.day, whole),
                "month of all points, summed": (layout.month.format(point=""), middle),
                "month of one point, summed": (one, middle),
            }
            for name, (sql, values) in asked.items():
                found.setdefault(name, {})[layout.name] = self.best(sql, values)
        return found

    def sizes(self) -> dict[str, float]:
        """MB on disk with keys, per table."""
        sql = """
            SELECT sum(pg_total_relation_size(inhrelid)) / 1e6 FROM pg_inherits WHERE inhparent = %s::regclass
        """
        found = {}
        for layout in LAYOUTS:
            row = self.owner.execute(sql, [layout.table]).fetchone()
            found[layout.name] = float(row[0]) if row else 0.0
        return found


def report(bench: Bench) -> Iterator[str]:
    """A line for each thing measured: row per quarter-hour, row per point and day."""

    def line(what: str, found: dict[str, float], unit: str) -> str:
        rows, days = (found[layout.name] for layout in LAYOUTS)
        return f"| {what} | {rows:.{3 if unit == 's' else 1}f} {unit} | {days:.{3 if unit == 's' else 1}f} {unit} |"

    def milliseconds(found: dict[str, float]) -> dict[str, float]:
        return {name: seconds * 1000 for name, seconds in found.items()}

    yield f"| {bench.points} points, {bench.days} days | {Rows.name} | {Days.name} |"
    yield "|---|---:|---:|"
    yield line("bulk ingest of the month", bench.bulk(), "s")
    bench.settle_down()
    yield line("one live quarter-hour of all points", milliseconds(bench.live()), "ms")
    yield line("size after the live day", bench.sizes(), "MB")
    bench.settle_down()
    yield line("correction of one value", milliseconds(bench.corrections()), "ms")
    bench.settle_down()
    for name, found in bench.reads().items():
        yield line(name, milliseconds(found), "ms")
    yield line("size on disk", bench.sizes(), "MB")


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("points", type=int, nargs="?", default=10_000)
    arguments.add_argument("days", type=int, nargs="?", default=31)
    asked = arguments.parse_args()
    shutil.rmtree(VAR, ignore_errors=True)
    environment = {key: value for key, value in os.environ.items() if not key.endswith(("DATABASE_URL", "REDIS_URL"))}
    environment |= {"CLUSTER_PLATFORM_VAR": str(VAR), "DJANGO_SETTINGS_MODULE": "cluster_platform.settings"}
    try:
        embedded.ensure_running(VAR)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=environment, check=True
        )
        bench = Bench(asked.points, asked.days)
        bench.prepare()
        for line in report(bench):
            print(line, flush=True)
        bench.app.close()
        bench.owner.close()
    finally:
        embedded.release(VAR)
        shutil.rmtree(VAR, ignore_errors=True)


if __name__ == "__main__":
    main()
