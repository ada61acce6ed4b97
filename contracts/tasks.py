"""Background work: estimates when the deadline has passed, and what nobody needs any more goes."""

import logging
from datetime import date, timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from contracts.domain.market_prices import MARKET_ZONE, MarketPricesRefused
from contracts.models import MarketPrice
from contracts.services.deadline import estimate_overdue
from contracts.services.external_prices import price_externally
from contracts.services.market import store_market_prices
from contracts.services.market_source import SourceFailed, fetch_day
from contracts.services.retention import close_expired, delete_expired
from metering.domain.calendar import each_day, local_day, parse_day
from participants.models import Cluster
from participants.tenancy.tasks import ClusterTask, SoleClusterTask, for_every_cluster

log = logging.getLogger(__name__)
#: The market's prices of so many days are read again: they may have been published anew.
DAYS_READ_AGAIN = 7


@shared_task(base=SoleClusterTask)
def estimate_cluster(cluster_id: int, after: str = "") -> None:
    """Estimate what is overdue in one cluster; what is too much for one pass goes on behind the other clusters."""
    report = estimate_overdue(Cluster.objects.get(pk=cluster_id), timezone.now(), parse_day(after) if after else None)
    if report.more and report.last_day:
        estimate_cluster.delay(cluster_id, report.last_day.isoformat())


@shared_task
def estimate_all_clusters() -> None:
    """Started by the beat."""
    for_every_cluster(estimate_cluster)


@shared_task(base=ClusterTask)
def delete_expired_of_cluster(cluster_id: int) -> None:
    """Delete what has expired in one cluster."""
    cluster = Cluster.objects.get(pk=cluster_id)
    _tell(cluster.slug, delete_expired(cluster, settings.RETENTION_MONTHS, timezone.now()))


@shared_task
def delete_all_expired() -> None:
    """Started by the beat."""
    _tell("-", close_expired(settings.RETENTION_MONTHS, timezone.now()))
    for_every_cluster(delete_expired_of_cluster)


@shared_task
def fetch_market_prices() -> None:
    """Started by the beat: tomorrow's prices, and recent days', from the live source."""
    if not settings.MARKET_PRICES_URL:
        return
    now = timezone.now()
    today = local_day(now, MARKET_ZONE)
    for day in each_day(today - timedelta(days=DAYS_READ_AGAIN), today + timedelta(days=2)):
        try:
            prices = fetch_day(settings.MARKET_PRICES_URL, day)
            stored = store_market_prices(prices, MarketPrice.Via.LIVE, settings.MARKET_PRICES_URL, now)
        except (SourceFailed, MarketPricesRefused) as error:
            log.warning("market prices of %s: %s", day, error)
            continue
        if stored.changed:
            log.info("market prices of %s: %s new, %s replaced", day, stored.new, stored.replaced)
        elif not prices and day <= today:
            log.warning("market prices of %s are not published", day)
    for_every_cluster(price_cluster)


@shared_task(base=SoleClusterTask)
def price_cluster(cluster_id: int) -> None:
    """Make the prices of quarter-hours from what was agreed outside."""
    cluster = Cluster.objects.get(pk=cluster_id)
    if changed := price_externally(cluster, timezone.now()):
        log.info("%s: %s quarter-hours have another external price", cluster.slug, changed)


@shared_task
def price_all_clusters() -> None:
    """Started by the beat."""
    for_every_cluster(price_cluster)


def _tell(whose: str, done: dict[str, tuple[date, int]]) -> None:
    for kind, (day, count) in done.items():
        if count:
            log.info("%s: deleted %s (%s), over before %s", whose, kind, count, day)
