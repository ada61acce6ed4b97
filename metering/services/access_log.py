"""Notes who looked at the quarter-hour values of whose metering points."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from metering.models import ReadingAccess


@dataclass(frozen=True)
class Reader:
    """Who looks, and as what; without a user it is a command of the operator."""

    user_id: int | None
    role: str


OPERATOR = Reader(None, "operator")


def note_access(
    cluster_id: int, reader: Reader, purpose: str, points: Iterable[int | None], start: datetime, end: datetime
) -> None:
    """Note that values of `[start, end)` of these metering points were read; None stands for all of the cluster.

    Needs the scope. `purpose` is one of `ReadingAccess.Purpose`.
    """
    ReadingAccess.objects.bulk_create(
        ReadingAccess(
            cluster_id=cluster_id,
            user_id=reader.user_id,
            role=reader.role,
            metering_point_id=point,
            readings_from=start,
            readings_to=end,
            purpose=purpose,
        )
        for point in points
    )
