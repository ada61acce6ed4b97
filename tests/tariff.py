"""Tariffs for tests: a distributor's published book out of a few rates."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from contracts.models import TariffBook, TariffRate, TariffZone
from participants.models import Dso

JANUARY = dt.date(2026, 1, 1)
PUBLISHED_AT = dt.datetime(2025, 12, 17, 12, 0, tzinfo=dt.UTC)


def publish(
    dso: Dso,
    rates: Iterable[Mapping[str, Any]],
    zones: Iterable[Mapping[str, Any]] = (),
    *,
    valid_from: dt.date = JANUARY,
    **fields: Any,
) -> TariffBook:
    """A book with these rows, published as it is: nothing is checked and no quarter-hour is touched."""
    book = TariffBook.objects.create(
        dso=dso, name="2026", valid_from=valid_from, created_at=PUBLISHED_AT,
        **{"number": dso.books.count() + 1, **fields},
    )  # fmt: skip
    for row in rates:
        usual = {"unit": "PLN/kWh", "local_treatment": "full", "valid_from": valid_from}
        TariffRate.objects.create(book=book, **usual | dict(row))
    for row in zones:
        TariffZone.objects.create(book=book, **row)
    book.state, book.published_at = TariffBook.State.PUBLISHED, PUBLISHED_AT
    book.save()
    return book
