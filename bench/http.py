"""A day of 10,000 metering points over HTTP: two clients, two processes of the web server."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from http.client import HTTPConnection

import numpy as np

from bench.database import Measured, copy_again, timed
from bench.ingest import DAY, POINTS, SLUG
from metering.domain.calendar import day_bounds, format_instant, interval_starts, time_zone
from metering.domain.readings import COLUMNS
from participants.api_keys import create_api_key
from participants.models import Cluster
from participants.tenancy.scope import scope

PROCESSES = 2
POINTS_A_REQUEST = 1000
QUARTERS = 96
_STORED = (
    "SELECT * FROM metering_reading WHERE cluster_id = {} AND interval_start >= '{}' AND interval_start < '{}' "
    "ORDER BY metering_point_id, interval_start"
)
Row = tuple[str, str, int, int, str]


def as_csv(rows: list[Row]) -> tuple[str, bytes]:
    lines = [",".join(COLUMNS), *(",".join(map(str, row)) for row in rows)]
    return "text/csv", "\n".join(lines).encode()


def as_json(rows: list[Row]) -> tuple[str, bytes]:
    return "application/json", json.dumps({"readings": [dict(zip(COLUMNS, row, strict=True)) for row in rows]}).encode()


def deliver_csv() -> Measured:
    return _deliver(DAY + timedelta(days=1), as_csv)


def deliver_json() -> Measured:
    return _deliver(DAY + timedelta(days=2), as_json)


def _deliver(day: date, form: Callable[[list[Row]], tuple[str, bytes]]) -> Measured:
    cluster = Cluster.objects.get(slug=SLUG)
    with scope(cluster.pk):
        key, _ = create_api_key(cluster, f"bench {day}")
    bounds = day_bounds(day, time_zone(cluster.timezone))
    starts = [format_instant(at) for at in interval_starts(*bounds)]
    requests = [form(_rows(first, starts)) for first in range(0, POINTS, POINTS_A_REQUEST)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["gunicorn", "cluster_platform.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", str(PROCESSES)]
    server = subprocess.Popen([sys.executable, "-m", *command, "--log-level", "error", "--no-control-socket"])
    try:
        _wait_for(port)
        with ThreadPoolExecutor(PROCESSES) as clients:
            seconds = timed(lambda: list(clients.map(lambda request: _post(port, key, *request), requests)))
    finally:
        server.terminate()
        server.wait()
    return seconds, copy_again(_STORED.format(cluster.pk, *bounds))


def _rows(first: int, starts: list[str]) -> list[Row]:
    energy = np.random.default_rng(first).integers(0, 3000, (POINTS_A_REQUEST * len(starts), 2)).tolist()
    places = ((f"{first + number:018}", start) for number in range(POINTS_A_REQUEST) for start in starts)
    return [
        (point, start, drawn, fed_in, "measured")
        for (point, start), (drawn, fed_in) in zip(places, energy, strict=True)
    ]


def _post(port: int, key: str, kind: str, body: bytes) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", "/api/v1/readings", body, {"Authorization": f"Bearer {key}", "Content-Type": kind})
    answer = json.loads(connection.getresponse().read())
    if answer.get("accepted") != POINTS_A_REQUEST * QUARTERS:
        raise AssertionError(f"a request was answered {str(answer)[:300]}")


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("the web server did not start")
