"""Clusters and time ranges as commands are given them."""

import re
from argparse import ArgumentParser
from datetime import datetime

from django.core.management.base import CommandError

from metering.domain.calendar import CalendarError, is_aligned, local_midnight, parse_day, parse_instant, time_zone
from participants.models import Cluster

_TO_THE_MINUTE = re.compile(r"(.*T\d{2}:\d{2})Z", re.ASCII)


def add_range_arguments(parser: ArgumentParser) -> None:
    """The arguments SLUG, --from and --to."""
    help_text = "2026-05-31T22:00Z (UTC), or a local day such as 2026-06-01: its midnight"
    parser.add_argument("slug", help="short name of the cluster")
    parser.add_argument("--from", dest="start", required=True, metavar="T", help=help_text)
    parser.add_argument("--to", dest="end", required=True, metavar="T", help=f"exclusive; {help_text}")


def find_cluster(slug: str) -> Cluster:
    """The cluster of that short name; CommandError lists those there are."""
    try:
        return Cluster.objects.get(slug=slug)
    except Cluster.DoesNotExist:
        known = ", ".join(Cluster.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no cluster '{slug}'. Known clusters: {known}.") from None


def parse_range(cluster: Cluster, start: str, end: str) -> tuple[datetime, datetime]:
    """Both ends in UTC; CommandError unless they are quarter-hours and the end is later."""
    first, last = (_parse_bound(cluster, name, text) for name, text in (("--from", start), ("--to", end)))
    if last <= first:
        raise CommandError(f"--to {end} is not later than --from {start}.")
    return first, last


def _parse_bound(cluster: Cluster, name: str, text: str) -> datetime:
    try:
        if "T" not in text:
            return local_midnight(parse_day(text), time_zone(cluster.timezone))
        moment = parse_instant(_TO_THE_MINUTE.sub(r"\1:00Z", text))
    except CalendarError:
        raise CommandError(
            f"{name} '{text}' is neither a UTC time such as 2026-05-31T22:00Z nor a local day such as 2026-06-01."
        ) from None
    if not is_aligned(moment):
        raise CommandError(f"{name} {text} does not start a quarter-hour.")
    return moment
