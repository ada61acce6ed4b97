"""When the sun is down."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from astral import Observer
from astral.sun import elevation

from metering.domain.calendar import INTERVAL

#: Below this height of the sun photovoltaics give nothing. The horizon stands at 0.8 degrees below; the rest is for
#: twilight, and for points that lie up to a county away from the place given for their cluster.
DARK_DEGREES = -4.0


def dark(starts: Iterable[datetime], latitude: Decimal, longitude: Decimal) -> list[datetime]:
    """Those of the quarter-hours during all of which the sun is down at this place [degrees north, east].

    >>> at = datetime.fromisoformat("2026-06-15T22:00:00Z"), datetime.fromisoformat("2026-06-15T10:00:00Z")
    >>> dark(at, Decimal("52.07"), Decimal("19.48")) == [at[0]]
    True
    """
    observer = Observer(float(latitude), float(longitude))
    return [
        start
        for start in starts
        if max(elevation(observer, moment, with_refraction=False) for moment in (start, start + INTERVAL))
        < DARK_DEGREES
    ]
