"""Names under which members see each other: new ones every local day, no two alike in a cluster on one day."""

import hmac
from collections.abc import Iterable
from datetime import date

from django.utils.crypto import salted_hmac

from metering.models import MeteringPoint

#: Without letters that are taken for digits.
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_FEWEST_DIGITS = 3


def pseudonyms(cluster_id: int, day: date) -> dict[int, str]:
    """The names of all metering points of the cluster on one local day, such as K-274, by the point's id.

    Needs the scope.
    """
    points = MeteringPoint.objects.filter(cluster=cluster_id).order_by("pk").values_list("pk", flat=True)
    return names_of(cluster_id, points, day)


def names_of(cluster_id: int, points: Iterable[int], day: date) -> dict[int, str]:
    """A name for each point id, drawn by a hash with the installation's secret key.

    So a name tells neither the point nor its name on another day. Where a hash leads to a name that is taken, the next
    one is drawn: ids in order of their making keep their names when another point comes.
    """
    ordered = sorted(points)
    digits = _FEWEST_DIGITS
    while len(_LETTERS) * 10**digits < 4 * len(ordered):
        digits += 1
    key = salted_hmac("names of neighbours", f"{cluster_id} {day.isoformat()}", algorithm="sha256").digest()
    names: dict[int, str] = {}
    taken: set[str] = set()
    for point in ordered:
        drawn = 0
        while (name := _name(key, point, drawn, digits)) in taken:
            drawn += 1
        taken.add(name)
        names[point] = name
    return names


def shuffling_salt() -> str:
    """Secret text to order rows by where the order of ids would let somebody be followed from day to day."""
    return salted_hmac("order of neighbours", "", algorithm="sha256").hexdigest()


def _name(key: bytes, point: int, drawn: int, digits: int) -> str:
    number = int.from_bytes(hmac.digest(key, f"{point} {drawn}".encode(), "sha256")[:8], "big")
    return f"{_LETTERS[number % len(_LETTERS)]}-{number // len(_LETTERS) % 10**digits:0{digits}d}"
