"""The coordinator's position outside and its margin, by day and by month (net of VAT)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.numbers import pln
from clearing.selectors.external import Approved, Figures, approved_settlements, live_figures
from cluster_platform.portal.charts import BarChart, month_chart
from cluster_platform.portal.energy import Flow
from contracts.domain.money import from_nano
from metering.domain.calendar import each_day, local_midnight, months_before, next_month
from participants.models import Cluster

HEIGHT = 60.0
MONTHS = 12

# In whole nano-PLN. Members pay for what comes from outside what it costs (the run's price), so that passes through;
# what the coordinator earns is the service fees, less the balancing cost that is not in the price.
_DAYS = """
WITH run AS (
    SELECT s.interval_start AS at, (s.interval_start AT TIME ZONE %(zone)s)::date AS day, r.shortage_wh, r.matched_wh,
           r.external_import_wh AS bought, r.external_export_wh AS sold,
           (r.buy_pln_kwh * 1000000)::bigint AS buy, (r.sell_pln_kwh * 1000000)::bigint AS sell
    FROM clearing_intervalstate s
    JOIN clearing_clearingrun r ON r.cluster_id = s.cluster_id AND r.id = s.run_id
    WHERE s.cluster_id = %(cluster)s AND s.interval_start >= %(start)s AND s.interval_start < %(end)s
), setting AS (
    SELECT valid_from, coalesce(lead(valid_from) OVER (ORDER BY valid_from), 'infinity') AS valid_to,
           (buyer_fee_pln_kwh * 1000000)::bigint AS buyer, (seller_fee_pln_kwh * 1000000)::bigint AS seller
    FROM contracts_clustersettings WHERE cluster_id = %(cluster)s
), terms AS (
    SELECT direction, valid_from, coalesce(valid_to, 'infinity') AS valid_to,
           (balancing_pln_mwh * 1000)::bigint AS balancing
    FROM contracts_externalterms WHERE cluster_id = %(cluster)s AND NOT balancing_in_price
)
SELECT {key}, coalesce(sum(bought), 0)::bigint, coalesce(sum(sold), 0)::bigint,
       coalesce(sum(bought * buy), 0)::bigint, coalesce(sum(sold * sell), 0)::bigint,
       coalesce(sum(shortage_wh * c.buyer + matched_wh * c.seller), 0)::bigint,
       coalesce(sum(bought * b.balancing), 0)::bigint + coalesce(sum(sold * g.balancing), 0)::bigint
FROM run
LEFT JOIN setting c ON run.day >= c.valid_from AND run.day < c.valid_to
LEFT JOIN terms b ON b.direction = 'buy' AND run.day >= b.valid_from AND run.day < b.valid_to
LEFT JOIN terms g ON g.direction = 'sell' AND run.day >= g.valid_from AND run.day < g.valid_to
GROUP BY 1 ORDER BY 1
"""
# The newest statements of a month: what members were charged, and what was added so that nobody is worse off.
_BILLED = """
WITH newest AS (
    SELECT DISTINCT ON (participant_id, period) id, period FROM billing_statement
    WHERE cluster_id = %(cluster)s AND period >= %(first)s AND period < %(last)s
    ORDER BY participant_id, period, revision DESC
), line AS (
    SELECT n.period, l.component, sum(l.amount_exact_pln) AS pln FROM newest n
    JOIN billing_statementline l ON l.cluster_id = %(cluster)s AND l.statement_id = n.id
    WHERE l.component IN ('external_energy', 'external_energy_sold', 'service_fee') GROUP BY 1, 2
), assured AS (
    SELECT n.period, sum(p.assurance_pln) AS pln FROM newest n
    JOIN billing_promise p ON p.cluster_id = %(cluster)s AND p.statement_id = n.id GROUP BY 1
)
SELECT period, sum(pln) FILTER (WHERE component = 'external_energy'),
       sum(pln) FILTER (WHERE component = 'external_energy_sold'),
       sum(pln) FILTER (WHERE component = 'service_fee'),
       (SELECT pln FROM assured a WHERE a.period = line.period)
FROM line GROUP BY period
"""


@dataclass(frozen=True)
class Result:
    """A day or a month: energy outside (Wh), what it cost and brought, fees and balancing (PLN, net)."""

    key: date
    bought_wh: int = 0
    sold_wh: int = 0
    cost_pln: Decimal = Decimal(0)
    revenue_pln: Decimal = Decimal(0)
    fees_pln: Decimal = Decimal(0)
    balancing_pln: Decimal = Decimal(0)

    @property
    def margin_pln(self) -> Decimal:
        """What is left of the service fees after the balancing cost, before assurance."""
        return self.fees_pln - self.balancing_pln


@dataclass(frozen=True)
class Billed:
    """What the statements of a month say (PLN, net): charged for external energy, credited for it, fees, assurance."""

    period: date
    charged_pln: Decimal
    credited_pln: Decimal
    fees_pln: Decimal
    assurance_pln: Decimal


@dataclass(frozen=True)
class Month:
    """A month whole: what is settled, what was billed, and with each partner what was approved and is settled now."""

    result: Result
    billed: Billed | None
    approved: Sequence[tuple[Approved, Figures]] = ()

    @property
    def charged_pln(self) -> Decimal:
        """What members pay for energy from outside: as billed, or as it will be."""
        return self.billed.charged_pln if self.billed else self.result.cost_pln

    @property
    def credited_pln(self) -> Decimal:
        """What members get for energy sold outside."""
        return self.billed.credited_pln if self.billed else self.result.revenue_pln

    @property
    def fees_pln(self) -> Decimal:
        return self.billed.fees_pln if self.billed else self.result.fees_pln

    @property
    def assurance_pln(self) -> Decimal:
        return self.billed.assurance_pln if self.billed else Decimal(0)

    @property
    def cost_pln(self) -> Decimal:
        """With its balancing cost: as the approved invoices say, or as settled."""
        return self._outside("purchase", self.result.cost_pln)

    @property
    def revenue_pln(self) -> Decimal:
        return self._outside("sale", self.result.revenue_pln)

    @property
    def margin_pln(self) -> Decimal:
        """Charged less cost, revenue less credited, fees, less what assurance takes."""
        energy = self.charged_pln - self.cost_pln + self.revenue_pln - self.credited_pln
        return energy + self.fees_pln - self.unplaced_balancing_pln - self.assurance_pln

    @property
    def unplaced_balancing_pln(self) -> Decimal:
        """Balancing that stands on no approved invoice yet."""
        return self.result.balancing_pln - sum((live.balancing_pln for _, live in self.approved), Decimal(0))

    def _outside(self, direction: str, settled: Decimal) -> Decimal:
        """The approved invoices, and what is settled with partners whose invoice is not."""
        for each, live in self.approved:
            if each.direction == direction:
                settled += each.invoice_net_pln - live.energy_pln
        return settled


@dataclass(frozen=True)
class Piece:
    """A bar of the plot of money: above the line is earned, below it is lost."""

    x: str
    y: str
    height: str
    good: bool
    label: str


@dataclass(frozen=True)
class Shown:
    """A month by day, and the months before it."""

    month: Month
    days: list[Result]
    position: BarChart
    margins: list[Piece]
    most_pln: Decimal
    months: list[Month]

    @property
    def empty(self) -> bool:
        return not any((day.bought_wh, day.sold_wh, day.fees_pln) != (0, 0, Decimal(0)) for day in self.days)


def show(cluster: Cluster, first: date, tz: ZoneInfo) -> Shown:
    """The month that begins on `first`, and the last twelve up to it. Needs the scope."""
    oldest, end = months_before(first, MONTHS - 1), next_month(first)
    of_day = {row.key: row for row in _results(cluster, first, end, tz, "day")}
    days = [of_day.get(day, Result(day)) for day in each_day(first, end)]
    of_month = {row.key: row for row in _results(cluster, oldest, end, tz, "date_trunc('month', day)::date")}
    billed = {row.period: row for row in _billed(cluster, oldest, end)}
    of_month.setdefault(first, Result(first))
    whole = {key: Month(row, billed.get(key), _approved(cluster, key)) for key, row in of_month.items()}
    month = whole.pop(first)
    flows = {day.key: Flow(0, day.bought_wh, 0, day.sold_wh) for day in days}
    most = max((abs(day.margin_pln) for day in days), default=Decimal(0))
    return Shown(
        month, days, month_chart(flows, [day.key for day in days]), _pieces(days, most), most,
        sorted(whole.values(), key=lambda each: each.result.key, reverse=True),
    )  # fmt: skip


def _approved(cluster: Cluster, month: date) -> list[tuple[Approved, Figures]]:
    return [
        (each, live_figures(cluster, each.direction, each.partner_id, month))
        for each in approved_settlements(cluster, month)
    ]


def _results(cluster: Cluster, first: date, end: date, tz: ZoneInfo, key: str) -> list[Result]:
    asked: dict[str, Any] = {
        "cluster": cluster.pk, "zone": tz.key, "start": local_midnight(first, tz), "end": local_midnight(end, tz),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_DAYS.format(key=key), asked)
        rows = cursor.fetchall()
    return [Result(row[0], row[1], row[2], *(from_nano(nano) for nano in row[3:])) for row in rows]


def _billed(cluster: Cluster, first: date, last: date) -> list[Billed]:
    with connection.cursor() as cursor:
        cursor.execute(_BILLED, {"cluster": cluster.pk, "first": first, "last": last})
        return [
            Billed(period, charged or Decimal(0), -(credited or Decimal(0)), fees or Decimal(0), assured or Decimal(0))
            for period, charged, credited, fees, assured in cursor.fetchall()
        ]


def _pieces(days: Sequence[Result], most: Decimal) -> list[Piece]:
    found = []
    for index, day in enumerate(days):
        height = float(abs(day.margin_pln) / most) * HEIGHT / 2 if most else 0.0
        top = HEIGHT / 2 - (height if day.margin_pln > 0 else 0)
        label = _("%(day)s: service fees %(fees)s, balancing %(balancing)s") % {
            "day": date_format(day.key, "MONTH_DAY_FORMAT"),
            "fees": pln(day.fees_pln),
            "balancing": pln(day.balancing_pln),
        }
        found.append(Piece(f"{index + 0.07:.3f}", f"{top:.3f}", f"{height:.3f}", day.margin_pln >= 0, label))
    return found
