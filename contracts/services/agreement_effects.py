"""What agreements change for clearing: the dated contract rows and the way grid fees are settled."""

from datetime import date

from contracts.domain.contract_days import Days, scheme_on, with_scheme
from contracts.models import Agreement, ClusterSettings, Contract
from contracts.services.agreement_papers import rules_on
from metering.domain.calendar import local_midnight, time_zone
from metering.services import touch_span
from participants.models import Cluster, Participant


def settle_under(participant: Participant, first: date, scheme: str | None, end: date | None = None) -> None:
    """From local midnight of `first` (to `end`) the participant is settled under `scheme`; None = not at all.

    Days before `first` stay as they are. Needs the lock on the cluster's agreements.
    """
    rows = list(Contract.objects.filter(cluster=participant.cluster_id, participant=participant))
    before = [_days(row) for row in rows]
    after = with_scheme(sorted(before), first, end, scheme)
    if sorted(before) == after:
        return
    wanted = {(days.first, days.scheme): days for days in after}
    kept = {(row.valid_from, row.scheme): row for row in rows if (row.valid_from, row.scheme) in wanted}
    for row in rows:
        if row not in kept.values():
            row.delete()
    for key, row in kept.items():
        if row.valid_to != wanted[key].end:
            row.valid_to = wanted[key].end
            row.save(update_fields=["valid_to"])
    for key, days in wanted.items():
        if key not in kept:
            Contract.objects.create(
                cluster_id=participant.cluster_id, participant=participant, scheme=days.scheme, valid_from=days.first,
                valid_to=days.end,
            )  # fmt: skip
    touch_days(participant.cluster, first, end)


def settle_as_before(participant: Participant, day: date) -> None:
    """From `day` on what held the day before goes on, as if nothing had been agreed for `day`."""
    rows = [_days(row) for row in Contract.objects.filter(participant=participant)]
    settle_under(participant, day, scheme_on(rows, date.fromordinal(day.toordinal() - 1)))


def settle_grid_fees(agreement: Agreement, first: date) -> None:
    """From `first` on grid fees are settled as agreed with the distributor; settings entered for later follow."""
    cluster, mode = agreement.cluster, agreement.dso_settlement
    rules = rules_on(cluster, first)
    later = ClusterSettings.objects.filter(cluster=cluster, valid_from__gte=first)
    changed = later.exclude(dso_settlement=mode).update(dso_settlement=mode)
    if rules.dso_settlement != mode and rules.valid_from < first:
        rules.pk, rules.valid_from, rules.dso_settlement = None, first, mode
        rules._state.adding = True
        rules.save()
        changed += 1
    if changed:
        touch_days(cluster, first, None)


def touch_days(cluster: Cluster, first: date, end: date | None) -> None:
    """Note a change of all quarter-hours of the local days `[first, end)`."""
    tz = time_zone(cluster.timezone)
    touch_span(cluster.pk, local_midnight(first, tz), local_midnight(end, tz) if end else None)


def _days(row: Contract) -> Days:
    return Days(row.valid_from, row.valid_to, row.scheme)
