"""Plays the meters: delivers over REST what they would have measured if June 2026 had come again."""

import datetime as dt
import json
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Sequence

from cluster_platform.demo.example import ZONE, first_month, twin_in_june
from metering.domain.calendar import INTERVAL, format_instant, format_period, interval_starts, month_bounds
from metering.models import Reading
from participants.models import Cluster
from participants.tenancy.scope import scope

BATCH = 8
SECONDS = 60


class Feeder:
    """Delivers the last finished quarter-hour first, then each new one, and in between the month so far backwards."""

    def __init__(self, cluster: Cluster, address: str, key: str, clock: Callable[[], dt.datetime]) -> None:
        self.cluster = cluster
        self.url = f"{address}/api/v1/readings"
        self.key = key
        self.clock = clock
        with scope(cluster.pk):
            stored = Reading.objects.filter(cluster=cluster, interval_start__gte=self._first())
            self.delivered = set(stored.values_list("interval_start", flat=True).distinct())

    def step(self) -> list[dt.datetime]:
        """Deliver some quarter-hours that are missing, and return them; a new one goes alone, to be there at once."""
        # Without the interval of this moment, which has not finished.
        finished = interval_starts(self._first(), self._now())
        missing = [start for start in reversed(finished) if start not in self.delivered]
        is_new = bool(missing) and missing[0] == finished[-1]
        batch = missing[: 1 if is_new else BATCH]
        if batch:
            self._post(batch)
            self.delivered.update(batch)
        return batch

    def _now(self) -> dt.datetime:
        """Start of the quarter-hour of this moment."""
        now = self.clock()
        return now - (now - dt.datetime.min.replace(tzinfo=dt.UTC)) % INTERVAL

    def _first(self) -> dt.datetime:
        return month_bounds(format_period(first_month(self.clock())), ZONE)[0]

    def _post(self, starts: Sequence[dt.datetime]) -> None:
        readings = self._readings(starts)
        request = urllib.request.Request(
            self.url,
            data=json.dumps({"readings": readings}).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"},
        )
        with urllib.request.urlopen(request, timeout=SECONDS):
            pass

    def _readings(self, starts: Sequence[dt.datetime]) -> list[dict[str, object]]:
        """What the meters measured at the same weekday and time of June 2026."""
        later: dict[dt.datetime, list[dt.datetime]] = defaultdict(list)
        for start in starts:
            later[twin_in_june(start)].append(start)
        with scope(self.cluster.pk):
            measured = (
                Reading.objects.filter(cluster=self.cluster, interval_start__in=list(later))
                .order_by("metering_point_id", "interval_start", "-version")
                .distinct("metering_point_id", "interval_start")
                .values_list("metering_point__code", "interval_start", "imported_wh", "exported_wh")
            )
            return [
                {
                    "metering_point": code,
                    "interval_start": format_instant(start),
                    "imported_wh": imported,
                    "exported_wh": exported,
                    "quality": "measured",
                }
                for code, twin, imported, exported in measured
                for start in later[twin]
            ]
