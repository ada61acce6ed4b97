"""Settling with the outside: compute a month, take the partner's invoice, explain, approve, correct.

All need the scope of the cluster. A draft is locked while it is worked on; what was approved the database refuses to
change.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction
from django.utils.translation import gettext as _

from clearing.domain.external_comparison import Difference, Ours, compare_lines, compare_totals
from clearing.domain.supplier_file import SupplierLine, read_lines
from clearing.models import (
    ExternalDifference,
    ExternalInvoiceFile,
    ExternalInvoiceLine,
    ExternalLine,
    ExternalSettlement,
)
from clearing.selectors.external import (
    PARTNER_KIND,
    asked,
    first_partner,
    live_figures,
    partners_of,
    readiness,
    rules_of,
    store_lines_sql,
    tolerances_of,
)
from contracts.models import ExternalPartner
from metering.domain.calendar import format_period, month_bounds, time_zone
from participants.models import Cluster

LARGEST_FILE = 8 * 2**20


class SettlementRefused(ValueError):
    """What can't be done with a settlement; the text tells the coordinator why."""


@dataclass(frozen=True)
class Invoice:
    """What the invoice says on its face."""

    number: str
    date: date
    net_pln: Decimal
    vat_pln: Decimal


@transaction.atomic
def prepare(
    cluster: Cluster, direction: str, partner: ExternalPartner, period: date, user_id: int, now: datetime
) -> ExternalSettlement:
    """The draft of a partner, direction and month, computed; the one that is there already stays as it is.

    Raises SettlementRefused if the partner has nothing to do with that direction or month.
    """
    if partner.kind != PARTNER_KIND[ExternalSettlement.Direction(direction)]:
        raise SettlementRefused(_("One buys from an external seller, and sells to an external buyer."))
    if period >= now.astimezone(time_zone(cluster.timezone)).date():
        raise SettlementRefused(_("The month has not begun yet."))
    _lock(cluster)
    rows = ExternalSettlement.objects.filter(cluster=cluster, direction=direction, period=period)
    known = rows.filter(partner=partner).order_by("-revision").first()
    if known is not None:
        return known
    if partner not in partners_of(cluster, direction, period):
        raise SettlementRefused(_("There are no terms with this partner in that month."))
    if first_partner(cluster, direction, period) is None and (other := rows.exclude(partner=partner).first()):
        text = _("Without terms a month is settled with one partner only, and there is one with %(partner)s already.")
        raise SettlementRefused(text % {"partner": other.partner})
    made = ExternalSettlement.objects.create(
        cluster=cluster, direction=direction, partner=partner, period=period, computed_at=now, prepared_by_id=user_id,
        prepared_at=now,
    )  # fmt: skip
    return _compute(made, user_id, now)


@transaction.atomic
def recompute(settlement: ExternalSettlement, user_id: int, now: datetime) -> ExternalSettlement:
    """The draft with what the runs in force give now; compared with the invoice again."""
    return _compute(_draft(settlement), user_id, now)


@transaction.atomic
def correct(settlement: ExternalSettlement, reason: str, user_id: int, now: datetime) -> ExternalSettlement:
    """A new draft that will replace the approved settlement. Raises SettlementRefused without a reason."""
    _lock(settlement.cluster)
    settlement = ExternalSettlement.objects.get(pk=settlement.pk)
    if not settlement.approved:
        raise SettlementRefused(_("Only what was approved needs a correcting version: change the draft."))
    if not reason.strip():
        raise SettlementRefused(_("Say why the approved settlement is corrected."))
    if ExternalSettlement.objects.filter(replaces=settlement).exists():
        raise SettlementRefused(_("There is a correcting version already."))
    made = ExternalSettlement.objects.create(
        cluster=settlement.cluster, direction=settlement.direction, partner=settlement.partner,
        period=settlement.period, revision=settlement.revision + 1, replaces=settlement, reason=reason.strip()[:400],
        computed_at=now, prepared_by_id=user_id, prepared_at=now,
    )  # fmt: skip
    return _compute(made, user_id, now)


@transaction.atomic
def take_invoice(
    settlement: ExternalSettlement, invoice: Invoice, file: tuple[str, bytes] | None, with_lines: bool, user_id: int,
    now: datetime,
) -> ExternalSettlement:  # fmt: skip
    """Note the invoice's figures, keep its file, and compare: its quarter-hours too if it is read `with_lines`.

    Raises SupplierFileRefused for a file that can't be read; nothing is stored then.
    """
    settlement = _draft(settlement)
    settlement.invoice_number = invoice.number
    settlement.invoice_date = invoice.date
    settlement.invoice_net_pln = invoice.net_pln
    settlement.invoice_vat_pln = invoice.vat_pln
    if file is not None:
        name, content = file
        if len(content) > LARGEST_FILE:
            raise SettlementRefused(_("The file is larger than %(n)s MB.") % {"n": LARGEST_FILE >> 20})
        lines = read_lines(content, time_zone(settlement.cluster.timezone)) if with_lines else ()
        ExternalInvoiceFile.objects.create(
            cluster=settlement.cluster, settlement=settlement, name=name[-200:], content=content,
            sha256=hashlib.sha256(content).hexdigest(), lines=len(lines), uploaded_by_id=user_id, uploaded_at=now,
        )  # fmt: skip
        if with_lines:
            _store_invoice_lines(settlement, lines)
    _touch(settlement, user_id, now)
    _compare(settlement)
    return settlement


@transaction.atomic
def explain(settlement: ExternalSettlement, ids: Sequence[int], explanation: str, user_id: int, now: datetime) -> int:
    """Explain these differences of a draft; returns how many."""
    settlement = _draft(settlement)
    if not explanation.strip():
        raise SettlementRefused(_("Say how the difference is explained."))
    rows = ExternalDifference.objects.filter(settlement=settlement, pk__in=ids)
    count = rows.update(explanation=explanation.strip()[:400], explained_by_id=user_id, explained_at=now)
    _touch(settlement, user_id, now)
    return count


@transaction.atomic
def approve(settlement: ExternalSettlement, user_id: int, now: datetime) -> ExternalSettlement:
    """Lock the draft. Raises SettlementRefused with the first thing that stands in the way."""
    settlement = _draft(settlement)
    refusals = [point.text for point in checklist(settlement, now, user_id) if point.blocks]
    if refusals:
        raise SettlementRefused(refusals[0])
    settlement.four_eyes = rules_of(settlement.cluster).four_eyes
    settlement.state = ExternalSettlement.State.APPROVED
    settlement.approved_by_id = user_id
    settlement.approved_at = now
    settlement.save()
    return settlement


@transaction.atomic
def discard(settlement: ExternalSettlement) -> None:
    """Throw a draft away, with its files and explanations."""
    settlement = _draft(settlement)
    for part in (ExternalLine, ExternalInvoiceLine, ExternalInvoiceFile, ExternalDifference):
        part._default_manager.filter(settlement=settlement).delete()
    settlement.delete()


@dataclass(frozen=True)
class Point:
    """One thing to be in order before approval; `blocks`: it is not, and stands in the way."""

    name: str
    done: bool
    blocks: bool
    text: str


def checklist(settlement: ExternalSettlement, now: datetime, user_id: int) -> list[Point]:
    """What has to be in order before this user may approve the draft, in the order in which one does it."""
    cluster = settlement.cluster
    ready = readiness(cluster, settlement.period)
    end = month_bounds(format_period(settlement.period), time_zone(cluster.timezone))[1]
    figures = live_figures(cluster, settlement.direction, settlement.partner_id, settlement.period)
    open_ones = settlement.differences.filter(explanation="").count()
    rules = rules_of(cluster)
    values = {"unsettled": ready.unsettled, "stale": ready.stale, "provisional": ready.provisional, "open": open_ones}

    def point(name: str, done: bool, good: str, bad: str, blocks: bool = True) -> Point:
        return Point(name, done, blocks and not done, (good if done else bad) % values)

    points = [
        point("month", end <= now, _("The month is over."), _("The month is not over yet.")),
        point(
            "settled", not ready.unsettled and not ready.stale and ready.known > 0,
            _("All quarter-hours are settled."),
            _("Quarter-hours that are not settled: %(unsettled)s; that are due again: %(stale)s.")
            if ready.known else _("Nothing was delivered for this month."),
        ),
        point(
            "final", not ready.provisional, _("No quarter-hour is provisional."),
            _("%(provisional)s quarter-hours are provisional: a later reading will ask for a correcting version."),
            blocks=False,
        ),
        point(
            "current", figures.digest == settlement.digest, _("The figures are those of the runs in force."),
            _("Quarter-hours were settled anew since the figures were computed: compute them again."),
        ),
        point(
            "invoice", settlement.invoice_net_pln is not None, _("The invoice is noted."),
            _("The invoice is missing: its number, date, net total and VAT."),
        ),
        point(
            "differences", not open_ones, _("Nothing is left to explain."),
            _("Differences without an explanation: %(open)s."),
        ),
    ]  # fmt: skip
    if rules.four_eyes:
        points.append(
            point(
                "four_eyes", settlement.prepared_by_id != user_id, _("A second person approves."),
                _("A second person has to approve: you have changed this settlement last."),
            )
        )  # fmt: skip
    return points


def _lock(cluster: Cluster) -> None:
    """One settlement of a cluster begins at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('external settlement'), %s)", [cluster.pk])


def _draft(settlement: ExternalSettlement) -> ExternalSettlement:
    row = ExternalSettlement.objects.select_for_update(of=("self",)).select_related("cluster").get(pk=settlement.pk)
    if row.approved:
        raise SettlementRefused(_("This settlement is approved: it takes a correcting version to change it."))
    return row


def _touch(settlement: ExternalSettlement, user_id: int, now: datetime) -> None:
    settlement.prepared_by_id = user_id
    settlement.prepared_at = now
    settlement.save()


def _compute(settlement: ExternalSettlement, user_id: int, now: datetime) -> ExternalSettlement:
    cluster, direction = settlement.cluster, settlement.direction
    ExternalLine.objects.filter(settlement=settlement).delete()
    figures = live_figures(cluster, direction, settlement.partner_id, settlement.period)
    with connection.cursor() as cursor:
        values = asked(cluster, direction, settlement.partner_id, settlement.period)
        cursor.execute(store_lines_sql(direction), values | {"settlement": settlement.pk})
    settlement.quarter_hours = figures.quarter_hours
    settlement.energy_wh = figures.energy_wh
    settlement.energy_pln = figures.energy_pln
    settlement.balancing_pln = figures.balancing_pln
    settlement.digest = figures.digest
    settlement.computed_at = now
    _touch(settlement, user_id, now)
    _compare(settlement)
    return settlement


def _store_invoice_lines(settlement: ExternalSettlement, lines: Sequence[SupplierLine]) -> None:
    ExternalInvoiceLine.objects.filter(settlement=settlement).delete()
    ExternalInvoiceLine.objects.bulk_create(
        [
            ExternalInvoiceLine(
                cluster_id=settlement.cluster_id, settlement=settlement, interval_start=line.start, row=line.row,
                wh=line.wh, price_pln_kwh=line.price_pln_kwh, amount_pln=line.amount_pln,
            )
            for line in lines
        ],
        batch_size=2000,
    )  # fmt: skip


def _compare(settlement: ExternalSettlement) -> None:
    """Make the differences those of the figures and the invoice; one that is the same keeps its explanation."""
    tolerances = tolerances_of(settlement.cluster)
    found: list[Difference] = []
    rows = ExternalInvoiceLine.objects.filter(settlement=settlement).values_list(
        "row", "interval_start", "wh", "price_pln_kwh", "amount_pln"
    )
    theirs = [SupplierLine(*row) for row in rows]
    if theirs:
        lines = ExternalLine.objects.filter(settlement=settlement)
        ours = {at: Ours(wh, price) for at, wh, price in lines.values_list("interval_start", "wh", "price_pln_kwh")}
        found += compare_lines(ours, theirs, tolerances)
    if settlement.invoice_net_pln is not None:
        found += compare_totals(settlement.net_pln, settlement.invoice_net_pln, tolerances)
    wanted = {(each.kind, each.start): each for each in found}
    gone = []
    for row in ExternalDifference.objects.filter(settlement=settlement):
        same = wanted.get((row.kind, row.interval_start))
        if same is not None and (row.ours, row.theirs) == (same.ours, same.theirs):
            del wanted[row.kind, row.interval_start]
        else:
            gone.append(row.pk)
    ExternalDifference.objects.filter(settlement=settlement, pk__in=gone).delete()
    ExternalDifference.objects.bulk_create(
        [
            ExternalDifference(
                cluster_id=settlement.cluster_id, settlement=settlement, kind=each.kind, interval_start=each.start,
                ours=each.ours, theirs=each.theirs,
            )
            for each in wanted.values()
        ],
        batch_size=2000,
    )  # fmt: skip
