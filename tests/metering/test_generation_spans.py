"""Which points can export, and when: what a file without their export means."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import call_command

from metering.selectors.generation import generation_spans
from metering.selectors.points import END_OF_TIME
from participants.models import Cluster
from participants.tenancy.scope import scope
from tests.contracts.small_dataset import POINTS, small_dataset, write

pytestmark = pytest.mark.django_db(transaction=True)


def test_generation_follows_its_dates_and_boundaries_go_both_ways(tmp_path: Path) -> None:
    files = small_dataset()
    solar = "590000000000000037,P0003,member,ST-2,G11,14.0,{},1,917,1.00,{}\n"
    old = solar.format("0.0", "2026-01-01,")
    points = files["metering_points.csv"]
    assert isinstance(points, str) and old in points
    new = solar.format("0.0", "2026-01-01,2026-11-01") + solar.format("5.0", "2026-11-01,")
    boundary = "590000000000000051,,boundary,ST-1,B23,100.0,0.0,3,0,1.00,2026-01-01,\n"
    files["metering_points.csv"] = points.replace(old, new) + boundary
    call_command("load_cluster", str(write(files, tmp_path)), verbosity=0)
    cluster = Cluster.objects.get(slug="small")
    with scope(cluster.pk):
        spans = generation_spans(cluster)
    year = datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert spans == {
        POINTS[1]: [(year, END_OF_TIME)],
        POINTS[2]: [(datetime(2026, 10, 31, 23, tzinfo=UTC), END_OF_TIME)],
        "590000000000000051": [(year, END_OF_TIME)],
    }
