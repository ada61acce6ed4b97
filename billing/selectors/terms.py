"""What a month is billed by: tariff book, settings, retail and sale prices, and the slot of every interval."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Q

from billing.domain.errors import BillingError
from billing.domain.inputs import BillingSlot, Charges, SalePrice, Terms
from contracts.domain.money import to_micro
from contracts.domain.tariff import TariffBook
from contracts.models import ClusterSettings, ClusterTerms, RetailPrice, StandardSalePrice
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


@dataclass(frozen=True, slots=True)
class MonthTerms:
    """The terms of a month; interval `i` of the month lies in the slot `terms.slots[slot_of[i]]`."""

    terms: Terms
    netting: str
    slot_of: Sequence[int]


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
    slots, slot_of = _slots(book, _charges(cluster, book, month), _retail(cluster, month), month)
    sales = StandardSalePrice.objects.filter(cluster=cluster, month=month.first).order_by("version")
    terms = Terms(
        first=month.first,
        end=month.end,
        book=book,
        slots=slots,
        excise_micro=to_micro(tax.excise_pln_kwh),
        vat_rate=tax.vat_rate,
        sale_prices={sale.legal_form: SalePrice(sale.pln_mwh, sale.factor) for sale in sales},
    )
    return MonthTerms(terms, tax.netting, slot_of)


def _slots(
    book: TariffBook, charges: Sequence[Charges], retail: Sequence[RetailPrice], month: Month
) -> tuple[tuple[BillingSlot, ...], list[int]]:
    """The distinct combinations of zones, rates, settings and retail prices, and that of each interval."""
    index = book.slot_index(month.starts, month.tz)
    numbers: dict[tuple[int, int, date], int] = {}
    slots: list[BillingSlot] = []
    slot_of: list[int] = []
    steps = _steps(retail, month)
    for start, tariff in zip(month.starts, index.of.tolist(), strict=True):
        day = start.astimezone(month.tz).date()
        charge = next(i for i, each in enumerate(charges) if each.first <= day < each.end)
        step = max(each for each in steps if each <= day)
        key = tariff, charge, step
        if key not in numbers:
            numbers[key] = len(slots)
            slots.append(BillingSlot(index.slots[tariff], charges[charge], _retail_on(retail, step)))
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
                )
            )
    return charges


def _retail(cluster: Cluster, month: Month) -> list[RetailPrice]:
    in_force = Q(valid_to=None) | Q(valid_to__gt=month.first)
    return list(RetailPrice.objects.filter(in_force, cluster=cluster, offer__is_default=True, valid_from__lt=month.end))


def _steps(retail: Iterable[RetailPrice], month: Month) -> list[date]:
    """The first day of the month and every later one on which a retail price starts or ends."""
    days = {day for price in retail for day in (price.valid_from, price.valid_to) if day is not None}
    return [month.first, *sorted(day for day in days if month.first < day < month.end)]


def _retail_on(retail: Iterable[RetailPrice], day: date) -> Mapping[tuple[str, str], int]:
    return {
        (price.group, price.zone): to_micro(price.energy_pln_kwh)
        for price in retail
        if price.valid_from <= day and (price.valid_to is None or day < price.valid_to)
    }
