"""What a month is billed by: tariff book, settings, retail and sale prices, and the slot of every interval."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.db.models import Q

from billing.domain.errors import BillingError
from billing.domain.inputs import BillingSlot, Charges, SalePrice, Terms
from billing.domain.relief import ReliefTable
from billing.selectors.standards import StandardRows, Standards, retail_prices
from contracts.domain.money import to_micro
from contracts.domain.tariff import HOURLY, TariffBook
from contracts.models import ClusterSettings, ClusterTerms, ReliefStep, RetailPrice, StandardSalePrice
from contracts.selectors import tariff_book
from contracts.selectors.book import discounts as own_discounts
from metering.domain.calendar import interval_starts, local_midnight, month_days, time_zone
from participants.models import Cluster


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of the cluster: local days `[first, end)` and the UTC starts of their intervals."""

    name: str
    first: date
    end: date
    tz: ZoneInfo
    starts: tuple[datetime, ...]

    def midnight(self, day: date) -> datetime:
        """The first instant of a local day, in UTC."""
        return local_midnight(day, self.tz)

    @property
    def hours(self) -> list[int]:
        """The local hour of each interval, numbered from 0: on the day of 25 hours the repeated one counts twice."""
        numbers: dict[tuple[object, ...], int] = {}
        local = (start.astimezone(self.tz) for start in self.starts)
        return [numbers.setdefault((at.date(), at.hour, at.utcoffset()), len(numbers)) for at in local]


@dataclass(frozen=True, slots=True)
class MonthTerms:
    """The terms of a month; interval `i` of the month lies in the slot `terms.slots[slot_of[i]]`."""

    terms: Terms
    standards: Standards
    slot_of: Sequence[int]

    @property
    def relieved(self) -> bool:
        """Whether the statutory hour waives anything in the month."""
        hourly = any(rate.treatment == HOURLY for rate in self.terms.book.rates)
        return hourly and any(slot.relief is not None for slot in self.terms.slots)

    def completed(self, self_consumption: Fraction) -> Terms:
        """The terms once everybody's standard mechanism and the month's self-consumption are known."""
        return replace(self.terms, standards=self.standards.found, self_consumption=self_consumption)


def month_of(cluster: Cluster, name: str) -> Month:
    """The month `2026-06` of a cluster. Raises `CalendarError` for a name that is none."""
    first, end = month_days(name)
    tz = time_zone(cluster.timezone)
    starts = interval_starts(local_midnight(first, tz), local_midnight(end, tz))
    return Month(name, first, end, tz, tuple(starts))


def month_terms(cluster: Cluster, month: Month) -> MonthTerms:
    """All terms of a month. Refuses a month without settings for each of its days or a cluster without terms."""
    try:
        tax = ClusterTerms.objects.get(cluster=cluster)
    except ClusterTerms.DoesNotExist:
        raise BillingError(f"{cluster.slug} has no terms (VAT, excise, netting): load its dataset.") from None
    book = tariff_book(cluster)
    standards = Standards(StandardRows(cluster, month.first, month.end), tax, month.first)
    retail = retail_prices(cluster, standards.offer_names, month.first, month.end)
    slots, slot_of = _slots(book, _charges(cluster, book, month), retail, _relief(cluster, month), month)
    sales = StandardSalePrice.objects.filter(cluster=cluster, month=month.first).order_by("version")
    terms = Terms(
        first=month.first,
        end=month.end,
        book=book,
        slots=slots,
        excise_micro=to_micro(tax.excise_pln_kwh),
        vat_rate=tax.vat_rate,
        sale_prices={sale.legal_form: SalePrice(sale.pln_mwh, sale.factor) for sale in sales},
        standards=(),
    )
    return MonthTerms(terms, standards, slot_of)


def _slots(
    book: TariffBook,
    charges: Sequence[Charges],
    retail: Sequence[RetailPrice],
    relief: Sequence[ReliefTable],
    month: Month,
) -> tuple[tuple[BillingSlot, ...], list[int]]:
    """The distinct combinations of zones, rates, settings, retail prices and relief, and that of each interval."""
    index = book.slot_index(month.starts, month.tz)
    numbers: dict[tuple[int, int, date, int | None], int] = {}
    slots: list[BillingSlot] = []
    slot_of: list[int] = []
    steps = _steps(retail, month)
    for start, tariff in zip(month.starts, index.of.tolist(), strict=True):
        day = start.astimezone(month.tz).date()
        charge = next(i for i, each in enumerate(charges) if each.first <= day < each.end)
        step = max(each for each in steps if each <= day)
        table = next((i for i, each in enumerate(relief) if each.first <= day < each.end), None)
        key = tariff, charge, step, table
        if key not in numbers:
            numbers[key] = len(slots)
            waived = None if table is None else relief[table]
            slots.append(BillingSlot(index.slots[tariff], charges[charge], _retail_on(retail, step), waived))
        slot_of.append(numbers[key])
    return tuple(slots), slot_of


def _charges(cluster: Cluster, book: TariffBook, month: Month) -> list[Charges]:
    """The settings in force on the days of the month, each until the next one or other discounts of the book."""
    rows = list(ClusterSettings.objects.filter(cluster=cluster, valid_from__lt=month.end).order_by("valid_from"))
    if not rows or rows[0].valid_from > month.first:
        raise BillingError(f"{cluster.slug} has no settings in force on {month.first}.")
    # Settings go on from before the month; a change of the book's discounts matters only in it.
    changes = {day for day in book.discount_days if month.first < day < month.end}
    days = sorted({row.valid_from for row in rows} | changes)
    settled = [(span.first, span.end) for span in settled_spans(rows)]
    charges = []
    for first, end in zip(days, [*days[1:], month.end], strict=True):
        row = [row for row in rows if row.valid_from <= first][-1]
        if end > month.first:
            charges.append(
                Charges(
                    first=first,
                    end=end,
                    buyer_fee_micro=to_micro(row.buyer_fee_pln_kwh),
                    seller_fee_micro=to_micro(row.seller_fee_pln_kwh),
                    discounts=book.discounts_on(max(first, month.first), own_discounts(row.sharing_discount)),
                    settled=next(days for days in settled if days[0] <= first < days[1]),
                )
            )
    return charges


@dataclass(frozen=True, slots=True)
class SettledSpan:
    """Local days `[first, end)` on which grid fees are settled in the same way; `direct`: by the distributor itself."""

    first: date
    end: date
    direct: bool


def settled_spans(rows: Iterable[ClusterSettings]) -> list[SettledSpan]:
    """How grid fees are settled, from settings in the order of their days; the last span is open."""
    found: list[SettledSpan] = []
    for row in rows:
        direct = row.dso_settlement == ClusterSettings.DsoSettlement.DIRECT
        if not found or found[-1].direct != direct:
            found[-1:] = [replace(each, end=row.valid_from) for each in found[-1:]]
            found.append(SettledSpan(row.valid_from, date.max, direct))
    return found


def _relief(cluster: Cluster, month: Month) -> list[ReliefTable]:
    """The steps of the statutory relief between the days of the month on which any starts or ends; none, no table."""
    in_force = Q(valid_to=None) | Q(valid_to__gt=month.first)
    steps = list(ReliefStep.objects.filter(in_force, cluster=cluster, valid_from__lt=month.end))
    found = []
    for first, end in pairwise([*_steps(steps, month), month.end]):
        table: dict[str, list[tuple[Decimal, Decimal]]] = {}
        for step in steps:
            if step.valid_from <= first and (step.valid_to is None or first < step.valid_to):
                table.setdefault(step.component, []).append((step.self_consumption_from, step.waived))
        if table:
            found.append(ReliefTable(first, end, {name: tuple(rows) for name, rows in table.items()}))
    return found


def _steps(rows: Iterable[RetailPrice | ReliefStep], month: Month) -> list[date]:
    """The first day of the month and every later one on which a row starts or ends."""
    days = {day for row in rows for day in (row.valid_from, row.valid_to) if day is not None}
    return [month.first, *sorted(day for day in days if month.first < day < month.end)]


def _retail_on(retail: Iterable[RetailPrice], day: date) -> Mapping[tuple[str, str, str], int]:
    return {
        (price.offer.name, price.group, price.zone): to_micro(price.energy_pln_kwh)
        for price in retail
        if price.valid_from <= day and (price.valid_to is None or day < price.valid_to)
    }
