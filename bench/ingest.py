"""A day of 10,000 metering points through the ingest service, then the same day again, beside COPY of the same rows."""

import tempfile
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import IO

import numpy as np

from bench.database import BLOCK_BYTES, Measured, copy_again, timed
from metering.domain.calendar import day_bounds, format_instant, interval_starts, time_zone
from metering.models import GridNode, MeteringPoint, PointAssignment
from metering.services import Outcome, ingest
from participants.models import Cluster, Dso, Participant
from participants.tenancy.scope import scope

POINTS = 10_000
DAY = date(2026, 7, 14)
NOW = datetime(2026, 7, 20, tzinfo=UTC)
QUARTERS = 96
SLUG = "bench"
_STORED = "SELECT * FROM metering_reading WHERE cluster_id = {} ORDER BY metering_point_id, interval_start"


def make_cluster() -> Cluster:
    """A cluster of that many metering points, all of one household."""
    dso = Dso.objects.create(name="Bench Distribution", nip="1000237577", iban="PL61999999990000000000000901")
    cluster = Cluster.objects.create(slug=SLUG, name="Bench", timezone="Europe/Warsaw", holidays="PL", dso=dso)
    first = date(2020, 1, 1)
    with scope(cluster.pk):
        node = GridNode.objects.create(cluster=cluster, code="CLUSTER", level="cluster")
        household = Participant.objects.create(
            cluster=cluster, code="P1", kind="prosumer", legal_form="person", name="Household", vat_payer=False
        )
        points = MeteringPoint.objects.bulk_create(
            MeteringPoint(cluster=cluster, code=f"{number:018}") for number in range(POINTS)
        )
        PointAssignment.objects.bulk_create(
            PointAssignment(
                cluster=cluster,
                metering_point=point,
                participant=household,
                role="member",
                grid_node=node,
                tariff_group="G11",
                contracted_power_kw=14,
                generation_capacity_kw=0,
                phases=3,
                yearly_use_kwh=1808,
                capacity_factor=1,
                valid_from=first,
            )
            for point in points
        )
    return cluster


def write_day(stream: IO[bytes]) -> None:
    """The day as CSV lines, point by point."""
    starts = [format_instant(at) for at in interval_starts(*day_bounds(DAY, time_zone("Europe/Warsaw")))]
    for number in range(POINTS):
        energy = np.random.default_rng(number).integers(0, 3000, (len(starts), 2)).tolist()
        for start, (drawn, fed_in) in zip(starts, energy, strict=True):
            stream.write(f"{number:018},{start},{drawn},{fed_in},measured\n".encode())


def deliver_day() -> Measured:
    """The first delivery of the day."""
    cluster = make_cluster()
    return _deliver(cluster, NOW, Outcome(accepted=POINTS * QUARTERS)), copy_again(_STORED.format(cluster.pk))


def deliver_again() -> Measured:
    """The same day once more, an hour later."""
    cluster = Cluster.objects.get(slug=SLUG)
    outcome = Outcome(unchanged=POINTS * QUARTERS)
    return _deliver(cluster, NOW + timedelta(hours=1), outcome), copy_again(_STORED.format(cluster.pk))


def _deliver(cluster: Cluster, now: datetime, expected: Outcome) -> float:
    with tempfile.TemporaryFile() as file:
        write_day(file)
        file.seek(0)
        outcomes: list[Outcome] = []
        seconds = timed(
            lambda: outcomes.append(
                ingest(cluster, iter(partial(file.read, BLOCK_BYTES), b""), issued_at=now, whole=False, now=now)
            )
        )
    if outcomes != [expected]:
        raise AssertionError(f"the delivery ended with {outcomes}")
    return seconds
