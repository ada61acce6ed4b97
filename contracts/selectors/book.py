"""A distributor's published tariff book."""

from contracts.domain.money import to_micro
from contracts.domain.tariff import Rate, TariffBook
from contracts.domain.zones import ZoneRow, format_clock, parse_clock
from contracts.models import TariffRate, TariffZone
from metering.domain.calendar import public_holidays
from participants.models import Cluster, Dso


def tariff_book(cluster: Cluster) -> TariffBook:
    """The book of the cluster's distributor, with the cluster's public holidays."""
    return TariffBook(rates_of(cluster.dso), zones_of(cluster.dso), public_holidays(cluster.holidays))


def rates_of(dso: Dso) -> tuple[Rate, ...]:
    """The rates of a distributor, in the order in which they were published."""
    return tuple(
        Rate(
            group=row.group,
            phases=row.phases,
            use_from_kwh=row.use_from_kwh,
            use_to_kwh=row.use_to_kwh,
            component=row.component,
            zone=row.zone,
            unit=row.unit,
            micro=to_micro(row.rate_net),
            treatment=row.local_treatment,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
        )
        for row in TariffRate.objects.filter(dso=dso).order_by("pk")
    )


def zones_of(dso: Dso) -> tuple[ZoneRow, ...]:
    """The zones of a distributor, in the order in which they were published."""
    return tuple(
        ZoneRow(row.group, row.zone, row.months, row.day_type, _minute(row.starts), _minute(row.ends))
        for row in TariffZone.objects.filter(dso=dso).order_by("pk")
    )


def clock(minute: int | None) -> str:
    """How a zone's time of day is stored: `06:00`, or empty."""
    return "" if minute is None else format_clock(minute)


def _minute(text: str) -> int | None:
    return parse_clock(text) if text else None
