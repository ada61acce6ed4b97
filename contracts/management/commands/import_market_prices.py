"""`import_market_prices FILE…`: stores market prices from files of the publisher, or fetches days from its address."""

from argparse import ArgumentParser
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from contracts.domain.market_prices import MarketPricesRefused, Price, days_of, read_prices
from contracts.models import MarketPrice
from contracts.services.external_prices import price_externally
from contracts.services.market import Stored, store_market_prices
from contracts.services.market_source import SourceFailed, fetch_day
from metering.domain.calendar import CalendarError, each_day, parse_day
from participants.models import Cluster

FILE_BYTES = 16 * 2**20


class Command(BaseCommand):
    """Each file, and each day, is stored whole or not at all; ends with 1 if any could not be."""

    help = "Store market prices (PSE rce-pln): from JSON files, or fetched for days. Again: only what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
        parser.add_argument("--day", help="fetch this local day, such as 2026-06-15")
        parser.add_argument("--from", dest="first", help="fetch the local days from this one on …")
        parser.add_argument("--to", dest="last", help="… to this one, which is included")

    def handle(self, *args: Any, files: list[Path], day: str, first: str, last: str, **options: Any) -> None:
        days = self._days(day, first, last)
        if bool(files) == bool(days):
            raise CommandError("name either files, or days: --day, or --from and --to")
        failed = 0
        for path in files:
            failed += not self._take(path.name, MarketPrice.Via.OPERATOR, lambda path=path: _read(path))
        if days and not settings.MARKET_PRICES_URL:
            raise CommandError("MARKET_PRICES_URL is empty: there is no address to fetch from")
        for each in days:
            source = settings.MARKET_PRICES_URL
            failed += not self._take(
                source, MarketPrice.Via.LIVE, lambda each=each: fetch_day(settings.MARKET_PRICES_URL, each), each
            )
        for cluster in Cluster.objects.order_by("slug"):
            if priced := price_externally(cluster, timezone.now()):
                self.stdout.write(f"{cluster.slug}: {priced} quarter-hours have another external price")
        if failed:
            raise CommandError(f"{failed} of {len(files) + len(days)} could not be stored")

    def _days(self, day: str, first: str, last: str) -> list[date]:
        if bool(first) != bool(last) or (day and first):
            raise CommandError("give --day, or both --from and --to")
        try:
            if day:
                return [parse_day(day)]
            return list(each_day(parse_day(first), parse_day(last) + timedelta(days=1))) if first else []
        except CalendarError as error:
            raise CommandError(str(error)) from error

    def _take(self, source: str, via: MarketPrice.Via, prices_of: Any, day: date | None = None) -> bool:
        name = str(day or source)
        try:
            prices: tuple[Price, ...] = prices_of()
            stored = store_market_prices(prices, via, source, timezone.now())
        except (MarketPricesRefused, SourceFailed, OSError) as error:
            self.stderr.write(f"{name}: nothing is stored:\n{error}")
            return False
        days = ", ".join(str(each) for each in days_of(prices)) or "no prices are published yet"
        self.stdout.write(f"{name}: {days}{_told(stored) if prices else ''}")
        return True


def _read(path: Path) -> tuple[Price, ...]:
    if path.stat().st_size > FILE_BYTES:
        raise OSError(f"the file is larger than {FILE_BYTES} bytes")
    return read_prices(path.read_bytes())


def _told(stored: Stored) -> str:
    parts = {
        "new": stored.new, "replaced": stored.replaced, "unchanged": stored.unchanged, "older": stored.older,
        "kept": stored.kept,
    }  # fmt: skip
    return ": " + ", ".join(f"{name} {count}" for name, count in parts.items() if count) + " quarter-hours"
