"""Who is in the cluster and what they can generate: names with consent only, sums only where they hide everybody."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from cluster_platform.portal.cluster_now import FEWEST_POINTS
from participants.models import Participant

PAGE_SIZE = 50


@dataclass(frozen=True)
class Entry:
    """A participant who shows its name; `capacity_kw` is None where it is not shown."""

    name: str
    kind: str
    capacity_kw: Decimal | None

    @property
    def kind_label(self) -> str:
        return str(Participant.Kind(self.kind).label)


@dataclass(frozen=True)
class Directory:
    """A page of named participants, and what all generate together."""

    entries: list[Entry]
    named: int
    members: int
    generating_points: int
    capacity_kw: Decimal
    hidden: int

    @property
    def sum_hides_all(self) -> bool:
        """Whether the sum, less what is shown by name, tells nobody's own: it hides five, or nothing is hidden."""
        return self.generating_points >= FEWEST_POINTS and (self.hidden == 0 or self.hidden >= FEWEST_POINTS)

    @property
    def pages(self) -> int:
        return max(1, -(-self.named // PAGE_SIZE))


#: Participants with a point on a day, what they generate and show; parameters: cluster, cluster, day, day, cluster.
_MEMBERS = """
    WITH consent AS (
        SELECT DISTINCT ON (participant_id, purpose) participant_id, purpose, given
        FROM participants_consent WHERE cluster_id = %s ORDER BY participant_id, purpose, id DESC
    ),
    potential AS (
        SELECT participant_id, sum(generation_capacity_kw) AS kw,
            count(*) FILTER (WHERE generation_capacity_kw > 0) AS points
        FROM metering_pointassignment
        WHERE cluster_id = %s AND role = 'member' AND valid_from <= %s AND (valid_to IS NULL OR valid_to > %s)
        GROUP BY participant_id
    ),
    members AS (
        SELECT p.name, p.code, p.kind, potential.kw, potential.points, coalesce(n.given, false) AS named,
            coalesce(n.given AND g.given, false) AS shown
        FROM potential
        JOIN participants_participant p ON p.cluster_id = %s AND p.id = potential.participant_id
        LEFT JOIN consent n ON n.participant_id = p.id AND n.purpose = 'directory_name'
        LEFT JOIN consent g ON g.participant_id = p.id AND g.purpose = 'directory_generation'
    )
"""


def directory(cluster_id: int, day: date, page: int = 1) -> Directory:
    """The directory on a local day. Participants count as hidden if they generate and do not show how much."""
    sql = f"""{_MEMBERS},
    sums AS (
        SELECT count(*) FILTER (WHERE named), count(*), coalesce(sum(points), 0)::bigint,
            coalesce(sum(kw) FILTER (WHERE points > 0), 0), count(*) FILTER (WHERE points > 0 AND NOT shown)
        FROM members
    )
    SELECT sums.*, entry.* FROM sums LEFT JOIN (
        SELECT name, kind, CASE WHEN shown THEN kw END FROM members WHERE named
        ORDER BY lower(name), name, code LIMIT {PAGE_SIZE} OFFSET %s
    ) AS entry ON true ORDER BY lower(entry.name), entry.name
    """
    parameters: list[Any] = [cluster_id, cluster_id, day, day, cluster_id, (page - 1) * PAGE_SIZE]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found = cursor.fetchall()
    entries = [Entry(*row[5:]) for row in found if row[5] is not None]
    return Directory(entries, *found[0][:5])
