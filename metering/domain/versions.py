"""The version of a reading says when its source issued it, so the order of arrival does not matter.

Versions are seconds since 2000-01-01T00:00Z. The highest one of a metering point and quarter-hour holds. Values that
the platform estimates have the versions 1, 2, 3, … far below, so that whatever is delivered, whenever it was issued,
holds instead of them.
"""

from datetime import UTC, datetime, timedelta

_ZERO = datetime(2000, 1, 1, tzinfo=UTC)
#: The least version of a delivered value, and the greatest of any.
FIRST_DELIVERED = 1_000_000
LAST_VERSION = 2**31 - 1


def version_of(issued_at: datetime) -> int:
    """The version of what its source issued then, to the second. Raises ValueError if it is out of range.

    >>> version_of(datetime(2026, 6, 1, tzinfo=UTC))
    833587200
    """
    version = (issued_at - _ZERO) // timedelta(seconds=1)
    if not FIRST_DELIVERED <= version <= LAST_VERSION:
        raise ValueError(f"{issued_at.isoformat()} is not a time at which a reading was issued")
    return version


def issued_at(version: int) -> datetime | None:
    """The inverse of `version_of`; None for the version of an estimate."""
    return _ZERO + timedelta(seconds=version) if version >= FIRST_DELIVERED else None
