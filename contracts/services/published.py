"""Published terms that come with the platform: monthly market prices, sellers' retail prices, the statutory relief.

Tables in `contracts/data`, each row with its source and how sure it is. Loading again stores only what is new; what
somebody entered by hand is never overwritten.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q

from contracts.models import ClusterTerms, MonthlyMarketPrice, ReliefStep, RetailOffer, RetailPrice
from metering.domain.calendar import CalendarError, parse_day, parse_period
from participants.models import Cluster

DATA = Path(__file__).parent.parent / "data"
MONTHS, OFFERS, RELIEF = (
    DATA / name for name in ("market_prices_by_month_pl.csv", "retail_offers_pl_2026.csv", "cluster_relief_pl.csv")
)
INCLUDED, ADDED, UNKNOWN = "included", "added", "unknown"


class PublishedRefused(ValueError):
    """A table that can't be read; the text names the file, the line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Rows that were stored, and rows that were left because another value is there."""

    new: int
    kept: tuple[str, ...] = ()


@transaction.atomic
def load_months(path: Path = MONTHS) -> Loaded:
    """Market prices of months, for all clusters: another price than the one that holds is a new version."""
    held = {row.month: row for row in MonthlyMarketPrice.objects.order_by("version")}
    rows = []
    for month, price, source in _read(path, ["month", "pln_mwh", "source", "confidence"], _month):
        before = held.get(month)
        if before is None or before.pln_mwh != price:
            version = before.version + 1 if before else 1
            rows.append(MonthlyMarketPrice(month=month, version=version, pln_mwh=price, source=source))
    MonthlyMarketPrice.objects.bulk_create(rows)
    return Loaded(len(rows))


@transaction.atomic
def load_offers(cluster: Cluster, path: Path = OFFERS) -> Loaded:
    """Retail prices of sellers, each seller an offer; the cluster's excise is added where a price lacks it.

    Where it is unknown whether excise is in a price, it counts as included: the lower standard is in the members'
    favour. Needs the scope.
    """
    terms = ClusterTerms.objects.filter(cluster=cluster).first()
    if terms is None:
        raise PublishedRefused(f"{cluster.slug} has no terms (VAT, excise, netting): load its dataset first.")
    offers = {row.name: row for row in RetailOffer.objects.filter(cluster=cluster)}
    stored = {
        (row.offer.name, row.group, row.zone, row.valid_from): row
        for row in RetailPrice.objects.filter(cluster=cluster).select_related("offer")
    }
    new, kept = [], []
    columns = ["offer", "group", "zone", "energy_pln_kwh", "excise", "valid_from", "valid_to", "source", "confidence"]
    for name, group, zone, price, excise, first, end, source in _read(path, columns, _offer):
        energy = price + (terms.excise_pln_kwh if excise == ADDED else 0)
        known = stored.get((name, group, zone, first))
        if known is None:
            if name not in offers:
                offers[name] = RetailOffer.objects.create(cluster=cluster, name=name)
            new.append(
                RetailPrice(
                    cluster=cluster, offer=offers[name], group=group, zone=zone, energy_pln_kwh=energy,
                    valid_from=first, valid_to=end, source=f"{source}; excise {excise}"[:200],
                )
            )  # fmt: skip
        elif known.energy_pln_kwh != energy:
            kept.append(f"{name} {group} {zone} from {first}: {known.energy_pln_kwh}, published {energy}")
    for row in new:
        row.full_clean(validate_unique=False, validate_constraints=False)
    RetailPrice.objects.bulk_create(new)
    return Loaded(len(new), tuple(kept))


@transaction.atomic
def load_relief(cluster: Cluster, path: Path = RELIEF) -> Loaded:
    """The statutory steps of a cluster that has a right to them. Needs the scope."""
    new, kept = [], []
    columns = ["component", "self_consumption_from", "waived", "valid_from", "valid_to", "source", "confidence"]
    for component, reached, waived, first, end in _read(path, columns, _step):
        meets = Q(valid_to=None) | Q(valid_to__gt=first)
        if end is not None:
            meets &= Q(valid_from__lt=end)
        known = ReliefStep.objects.filter(
            meets, cluster=cluster, component=component, self_consumption_from=reached
        ).first()
        if known is None:
            new.append(
                ReliefStep(
                    cluster=cluster, component=component, self_consumption_from=reached, waived=waived,
                    valid_from=first, valid_to=end,
                )
            )  # fmt: skip
        elif (known.waived, known.valid_from, known.valid_to) != (waived, first, end):
            kept.append(f"{known}, published {waived:.0%} from {first}")
    ReliefStep.objects.bulk_create(new)
    return Loaded(len(new), tuple(kept))


def _read(
    path: Path, columns: list[str], parse: Callable[[dict[str, str]], tuple[Any, ...]]
) -> Iterator[tuple[Any, ...]]:
    """The rows of a table. Raises PublishedRefused that names the line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PublishedRefused(f"{path} can't be read: {error}") from error
    if not rows or rows[0] != columns:
        raise PublishedRefused(f"{path}, line 1: the columns must be {','.join(columns)}")
    for number, row in enumerate(rows[1:], start=2):
        try:
            if len(row) != len(columns):
                raise ValueError(f"{len(row)} columns instead of {len(columns)}")
            yield parse(dict(zip(columns, row, strict=True)))
        except (ValueError, InvalidOperation, CalendarError) as error:
            raise PublishedRefused(f"{path}, line {number}: {error or 'not a number'}") from error


def _source(row: dict[str, str]) -> str:
    return f"{row['source']} (confidence: {row['confidence']})"[:200]


def _days(row: dict[str, str]) -> tuple[date, date | None]:
    first, end = parse_day(row["valid_from"]), parse_day(row["valid_to"]) if row["valid_to"] else None
    if end is not None and end <= first:
        raise ValueError("valid_to must lie after valid_from; it is exclusive")
    return first, end


def _month(row: dict[str, str]) -> tuple[date, Decimal, str]:
    return parse_period(row["month"]), Decimal(row["pln_mwh"]), _source(row)


def _offer(row: dict[str, str]) -> tuple[Any, ...]:
    if row["excise"] not in (INCLUDED, ADDED, UNKNOWN):
        raise ValueError(f"excise '{row['excise']}' is not one of {INCLUDED}, {ADDED}, {UNKNOWN}")
    first, end = _days(row)
    price = Decimal(row["energy_pln_kwh"])
    return row["offer"], row["group"], row["zone"], price, row["excise"], first, end, _source(row)


def _step(row: dict[str, str]) -> tuple[str, Decimal, Decimal, date, date | None]:
    reached, waived = Decimal(row["self_consumption_from"]), Decimal(row["waived"])
    if not (0 <= reached <= 1 and 0 <= waived <= 1):
        raise ValueError("self_consumption_from and waived are shares from 0 to 1")
    return row["component"], reached, waived, *_days(row)
