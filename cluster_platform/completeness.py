"""What the pages on completeness show: a month of metering points by day, and who owes what since when."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cluster_platform.portal.periods import Span, asked_month, month_span, previous_month
from metering.domain.calendar import local_day, next_month, time_zone
from metering.models import MeteringPoint, ReadingAccess
from metering.selectors.matrix import POINTS_A_PAGE, Matrix, Nodes, Wanted, matrix
from metering.selectors.owed import Owed, owed
from metering.services.access_log import Reader, note_access
from participants.models import Cluster

OWNERS = dict(MeteringPoint.ReadingsFrom.choices)
#: What a cell shows, and says, for the worst that is true of its day.
SIGNS = {
    "measured": "•",
    "split": "½",
    "substituted": "S",
    "estimated": "~",
    "partly": "◐",
    "missing": "✕",
    "ahead": "",
    "outside": "–",
}
WORDS = {
    "measured": _("measured"),
    "split": _("split from hours"),
    "substituted": _("substituted"),
    "estimated": _("estimated"),
    "missing": _("missing"),
}
LEGEND = (
    ("measured", _("measured")),
    ("split", _("split from hours")),
    ("substituted", _("substituted")),
    ("estimated", _("estimated")),
    ("partly", _("some missing")),
    ("missing", _("all missing")),
    ("outside", _("not in the cluster")),
)


@dataclass(frozen=True)
class Page:
    """One page of the matrix of a cluster's month."""

    cluster: Cluster
    tz: ZoneInfo
    month: Span
    before: date
    after: date | None
    wanted: Wanted
    matrix: Matrix
    owed: list[Owed]
    number: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.matrix.points // POINTS_A_PAGE))

    @property
    def earlier(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def later(self) -> int | None:
        return self.number + 1 if self.number < self.pages else None

    @property
    def owed_points(self) -> int:
        return sum(row.points for row in self.owed)

    @property
    def since(self) -> datetime | None:
        return min((row.since for row in self.owed), default=None)


def page(request: HttpRequest, cluster: Cluster, now: datetime, nodes: Nodes = None, owner: str = "") -> Page:
    """What the address asks for; `owner` narrows it to whose readings these are. Notes who looked. Needs the scope."""
    tz = time_zone(cluster.timezone)
    today = local_day(now, tz)
    month = month_span(asked_month(request.GET.get("month")) or today, tz)
    wanted = replace(_asked(request), nodes=nodes)
    if owner:
        wanted = replace(wanted, owner=owner)
    number = _number(request)
    found = matrix(cluster.pk, month.first, tz, now, wanted, number)
    points = [row.point for row in found.rows]
    reader = Reader(request.user.pk, request.access.role)  # type: ignore[attr-defined]
    note_access(cluster.pk, reader, ReadingAccess.Purpose.MISSING, points, month.start, month.end)
    after = next_month(month.first)
    return Page(
        cluster, tz, month, previous_month(month.first), after if after <= today else None, wanted, found,
        owed(cluster.pk, owner, nodes), number,
    )  # fmt: skip


def context(shown: Page) -> dict[str, Any]:
    """For `parts/completeness.html`."""
    return {"shown": shown, "owners": OWNERS, "legend": [(SIGNS[state], state, words) for state, words in LEGEND]}


def _asked(request: HttpRequest) -> Wanted:
    owner = request.GET.get("owner", "")
    search = request.GET.get("q", "").replace("\0", "").strip()[:100]
    return Wanted(search, request.GET.get("gaps") == "on", owner if owner in OWNERS else "")


def _number(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1
