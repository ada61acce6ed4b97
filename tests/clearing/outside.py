"""A month that is settled with the outside, and files as a supplier would send them."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from clearing.models import ExternalLine, ExternalSettlement
from contracts.domain.money import half_up
from participants.tenancy.scope import scope


def supplier_file(settlement: ExternalSettlement, changed: dict[dt.datetime, int] | None = None) -> bytes:
    """The quarter-hours of a settlement as CSV, with these volumes (Wh) instead of ours."""
    with scope(settlement.cluster_id):
        rows: Iterable[tuple[dt.datetime, int, Decimal]] = list(
            ExternalLine.objects.filter(settlement=settlement)
            .order_by("interval_start")
            .values_list("interval_start", "wh", "price_pln_kwh")
        )
    lines = ["interval_start,kwh,price_pln_mwh,amount_pln"]
    for start, own, price in rows:
        wh = (changed or {}).get(start, own)
        amount = half_up(wh * price / 1000, 2)
        lines.append(f"{start:%Y-%m-%dT%H:%M:%SZ},{Decimal(wh).scaleb(-3)},{half_up(price * 1000, 3)},{amount}")
    return "\n".join([*lines, ""]).encode()
