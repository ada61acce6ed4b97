"""Correction documents of closed months: what was previewed is issued and posted in the open period, once."""

from collections.abc import Collection
from datetime import date, datetime, timedelta

from billing.domain.errors import BillingError
from billing.domain.issue import bills, energy_shares
from billing.models import Bill, BillingPeriod
from billing.selectors.differences import Difference, differences
from billing.selectors.issuing import billing_terms, issue_terms, party_of
from billing.services.bills import issue
from billing.services.closing import bill_draft, round_off
from metering.domain.calendar import local_day, time_zone
from participants.models import Cluster
from participants.tenancy.scope import scope

LONGEST_REASON = 200


def days_of_issue(cluster: Cluster, now: datetime) -> tuple[date, date]:
    """When what is issued now is issued and due."""
    issued_on = local_day(now, time_zone(cluster.timezone))
    return issued_on, issued_on + timedelta(days=billing_terms(cluster.pk, issued_on).due_days)


def preview(cluster: Cluster, now: datetime) -> list[Difference]:
    """What corrections would say now."""
    with scope(cluster.pk):
        return differences(cluster, *days_of_issue(cluster, now))


def issue_corrections(
    cluster: Cluster, keys: Collection[str], reason: str, now: datetime, user_id: int | None = None
) -> list[Bill]:
    """Issue the corrections of these previewed differences (`Difference.key`), all or none.

    What is corrected already is left out. Raises BillingError without a reason, for a difference that is carried on,
    and for one whose statement has changed since it was previewed.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise BillingError(f"A correction needs a reason of at most {LONGEST_REASON} characters.")
    with scope(cluster.pk):
        # One at a time: whoever waits here finds what the other has issued.
        periods = list(BillingPeriod.objects.select_for_update().filter(cluster=cluster).order_by("month"))
        people = {int(key.split(":")[0]) for key in keys}
        issued_on, due_on = days_of_issue(cluster, now)
        found = differences(cluster, issued_on, due_on, people, reason)
        chosen = [each for each in found if each.key in keys]
        _refuse_what_changed(chosen, found, keys)
        drafts = []
        for period in periods:
            terms = issue_terms(cluster, period, issued_on, due_on)
            for each in (each for each in chosen if each.month == period.month):
                row = each.row
                made = bills(each.papers, terms, party_of(each.participant), energy_shares(row.lines), row.promises)
                drafts += [bill_draft(cluster, bill, row.statement, terms) for bill in made]
        issued = issue(cluster, drafts, now, user_id)
        for period in periods:
            if any(each.month == period.month for each in chosen):
                terms = issue_terms(cluster, period, issued_on, due_on)
                round_off(cluster, period.month, terms, issued_on, now, user_id)
        return issued


def _refuse_what_changed(chosen: Collection[Difference], found: Collection[Difference], keys: Collection[str]) -> None:
    carried = [each for each in chosen if each.carried]
    if carried:
        raise BillingError(f"The difference of {carried[0].participant.code} is below the threshold and carried on.")
    places = {key.rpartition(":")[0] for key in keys}
    other = [each for each in found if each.key not in keys and each.key.rpartition(":")[0] in places]
    if other:
        raise BillingError(
            f"{other[0].month:%Y-%m} of {other[0].participant.code} has changed since the preview: look at it again."
        )
