"""What the pages of the settlement with the outside show."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, Q, Sum

from clearing.models import ExternalDifference, ExternalInvoiceLine, ExternalSettlement
from clearing.selectors.external import Figures, latest_settlements, live_figures, partners_of
from contracts.models import ExternalPartner
from participants.models import Cluster

DIFFERENCES_SHOWN = 200
_DAYS = """
SELECT coalesce(o.day, t.day), o.wh, o.pln, t.wh, t.pln FROM (
    SELECT (interval_start AT TIME ZONE %(zone)s)::date AS day, sum(wh) AS wh, sum(wh * price_pln_kwh) / 1000 AS pln
    FROM clearing_externalline WHERE cluster_id = %(cluster)s AND settlement_id = %(settlement)s GROUP BY 1
) o FULL JOIN (
    SELECT (interval_start AT TIME ZONE %(zone)s)::date AS day, sum(wh) AS wh, sum(amount_pln) AS pln
    FROM clearing_externalinvoiceline WHERE cluster_id = %(cluster)s AND settlement_id = %(settlement)s GROUP BY 1
) t ON t.day = o.day
ORDER BY 1
"""


@dataclass(frozen=True)
class Row:
    """A settlement in the list of a month; `stale`: quarter-hours were settled anew since."""

    settlement: ExternalSettlement
    stale: bool
    unexplained: int


@dataclass(frozen=True)
class ToPrepare:
    """A partner and direction of the month for which there is no settlement yet."""

    direction: ExternalSettlement.Direction
    partner: ExternalPartner


@dataclass(frozen=True)
class Day:
    """A local day of both sides (Wh, PLN); None where a side has nothing."""

    day: date
    ours_wh: int | None
    ours_pln: Decimal | None
    theirs_wh: int | None
    theirs_pln: Decimal | None

    @property
    def differs(self) -> bool:
        return self.theirs_wh is not None and self.theirs_wh != (self.ours_wh or 0)


@dataclass(frozen=True)
class Comparison:
    """The partner's quarter-hours in sum (none: no file was read), and the month by day."""

    lines: int
    wh: int
    amount_pln: Decimal | None
    days: list[Day]


def month_rows(cluster: Cluster, period: date) -> tuple[list[Row], list[ToPrepare]]:
    """The settlements of a month, and those that are yet to be made. Needs the scope."""
    found = latest_settlements(cluster, period)
    counts = dict(
        ExternalDifference.objects.filter(settlement__in=found, explanation="")
        .values_list("settlement")
        .annotate(n=Count("pk"))
    )
    rows = [Row(each, is_stale(cluster, each) is not None, counts.get(each.pk, 0)) for each in found]
    made = {(each.direction, each.partner_id) for each in found}
    lacking = [
        ToPrepare(direction, partner)
        for direction in ExternalSettlement.Direction
        for partner in partners_of(cluster, direction, period)
        if (direction, partner.pk) not in made
    ]
    return rows, lacking


def is_stale(cluster: Cluster, settlement: ExternalSettlement) -> Figures | None:
    """What the runs in force give now, where that is something else."""
    figures = live_figures(cluster, settlement.direction, settlement.partner_id, settlement.period)
    return figures if figures.digest != settlement.digest else None


def comparison(settlement: ExternalSettlement, tz: ZoneInfo) -> Comparison:
    """Both sides' figures. Needs the scope."""
    lines = ExternalInvoiceLine.objects.filter(settlement=settlement)
    sums = lines.aggregate(
        n=Count("interval_start"), wh=Sum("wh"), pln=Sum("amount_pln"), none=Count("pk", filter=Q(amount_pln=None))
    )
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, {"zone": tz.key, "cluster": settlement.cluster_id, "settlement": settlement.pk})
        days = [Day(*row) for row in cursor.fetchall()]
    amount = sums["pln"] if sums["n"] and not sums["none"] else None
    return Comparison(sums["n"], sums["wh"] or 0, amount, days)


def differences(settlement: ExternalSettlement) -> tuple[list[ExternalDifference], dict[str, int]]:
    """The first differences, unexplained ones first, and how many there are without an explanation by kind."""
    rows = ExternalDifference.objects.filter(settlement=settlement).select_related("explained_by")
    shown = rows.order_by("explained_at", "interval_start", "kind")
    # PostgreSQL puts what is not explained (null) last.
    first = list(shown.filter(explanation="")[:DIFFERENCES_SHOWN])
    first += list(shown.exclude(explanation="")[: DIFFERENCES_SHOWN - len(first)])
    left = dict(rows.filter(explanation="").values_list("kind").annotate(n=Count("pk")).order_by("kind"))
    return first, left


def lines_csv(settlement: ExternalSettlement) -> list[tuple[datetime, int, Decimal]]:
    """Our quarter-hours in order of time."""
    rows = settlement.lines.order_by("interval_start")
    return list(rows.values_list("interval_start", "wh", "price_pln_kwh"))
