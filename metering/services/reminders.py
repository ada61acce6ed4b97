"""Reminds those who owe readings, by e-mail: once an address and local day, until everything has arrived."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from smtplib import SMTPException
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import send_mail
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext, override

from metering.domain.calendar import local_day, time_zone
from metering.models import DsoArea, MeteringPoint, Reminder, ReminderSetting
from metering.selectors.areas import nodes_below
from metering.selectors.matrix import Nodes
from metering.selectors.owed import OwedPoint, owed_points
from participants.mails import address_of
from participants.models import Cluster, DsoUser, Membership, Participant
from participants.tenancy.scope import scope

logger = logging.getLogger(__name__)

From = MeteringPoint.ReadingsFrom
POINTS_LISTED = 50
#: Where each of the owners reads more.
PAGES = {From.DSO: "dso_completeness", From.MEMBER: "energy", From.COORDINATOR: "admin:completeness"}


@dataclass(frozen=True)
class Reader:
    """Somebody to be reminded of these metering points."""

    address: str
    language: str
    owner: str
    points: tuple[OwedPoint, ...]


def remind(cluster: Cluster, now: datetime) -> int:
    """Remind whoever owes readings of local days before `now`, unless done today; returns how many e-mails went out.

    Opens its own scopes, one an e-mail: what fails is tried again at the next call.
    """
    tz = time_zone(cluster.timezone)
    today = local_day(now, tz)
    with scope(cluster.pk):
        setting = ReminderSetting.objects.filter(cluster=cluster).first() or ReminderSetting()
        if not setting.on or now.astimezone(tz).hour < setting.hour:
            return 0
        done = set(Reminder.objects.filter(cluster=cluster, day=today).values_list("address", flat=True))
        readers = [reader for reader in _readers(cluster) if reader.address not in done]
    return sum(_send(cluster, reader, today, tz) for reader in readers)


def _send(cluster: Cluster, reader: Reader, today: date, tz: ZoneInfo) -> bool:
    """Claim the day and send; another worker that claims it too waits, and then finds it done."""
    first = min(point.since for point in reader.points)
    row = {
        "points": len({point.point for point in reader.points}),
        "quarter_hours": sum(point.quarter_hours for point in reader.points),
        "since": first,
    }
    try:
        with scope(cluster.pk):
            _reminder, claimed = Reminder.objects.get_or_create(
                cluster=cluster, day=today, address=reader.address, defaults=row
            )
            if claimed:
                with override(reader.language):
                    subject, body = _words(cluster, reader, tz)
                send_mail(subject, body, None, [reader.address])
    except (SMTPException, OSError):
        logger.exception("%s: a reminder could not be sent", cluster.slug)
        return False
    return claimed


def _words(cluster: Cluster, reader: Reader, tz: ZoneInfo) -> tuple[str, str]:
    def said(instant: datetime) -> str:
        return date_format(instant.astimezone(tz), "SHORT_DATETIME_FORMAT")

    count = len({point.point for point in reader.points})
    since = said(min(point.since for point in reader.points))
    subject = gettext("%(cluster)s: readings are missing since %(since)s") % {"cluster": cluster.name, "since": since}
    lead = ngettext(
        "Readings of %(n)s metering point have not arrived. Quarter-hours are settled with estimates until they do.",
        "Readings of %(n)s metering points have not arrived. Quarter-hours are settled with estimates until they do.",
        count,
    ) % {"n": count}
    lines = [
        gettext("%(point)s: %(count)s quarter-hours, the first %(since)s")
        % {"point": point.code, "count": point.quarter_hours, "since": said(point.since)}
        for point in reader.points[:POINTS_LISTED]
    ]
    more = len(reader.points) - POINTS_LISTED
    if more > 0:
        lines.append(ngettext("and %(n)s more", "and %(n)s more", more) % {"n": more})
    parts = [
        lead,
        "\n".join(lines),
        address_of(PAGES[From(reader.owner)]) + (f"?cluster={cluster.slug}" if reader.owner == From.DSO else ""),
        gettext("This e-mail comes once a day until the readings are there."),
        cluster.name,
    ]
    return " ".join(subject.split()), "\n\n".join(parts) + "\n"


def _readers(cluster: Cluster) -> list[Reader]:
    """Everybody with an address who owes anything; who owes as several is told once, of all of it."""
    found: dict[str, Reader] = {}
    for reader in (*_distributors(cluster), *_members(cluster), *_coordinators(cluster)):
        before = found.get(reader.address)
        points = (*before.points, *reader.points) if before else reader.points
        kept = before or reader
        found[reader.address] = Reader(kept.address, kept.language, kept.owner, points)
    return list(found.values())


def _distributors(cluster: Cluster) -> Iterator[Reader]:
    everything = tuple(owed_points(cluster.pk, From.DSO))
    if not everything:
        return
    areas: dict[int, list[int]] = defaultdict(list)
    for user, node in DsoArea.objects.filter(cluster=cluster).values_list("user", "grid_node"):
        areas[user].append(node)
    rows = DsoUser.objects.filter(dso=cluster.dso_id, user__is_active=True).select_related("user").order_by("user")
    for row in rows:
        nodes: Nodes = None if row.whole_grid else nodes_below(cluster.pk, areas[row.user_id])
        points = everything if nodes is None else tuple(owed_points(cluster.pk, From.DSO, nodes))
        if points:
            yield Reader(row.user.email, row.user.language, From.DSO, points)


def _members(cluster: Cluster) -> Iterator[Reader]:
    """The logins that act for the participant; without any, its own address."""
    by_participant: dict[int, list[OwedPoint]] = defaultdict(list)
    for point in owed_points(cluster.pk, From.MEMBER):
        if point.participant is not None:
            by_participant[point.participant].append(point)
    full = {"role": Membership.Role.MEMBER, "level": Membership.Level.FULL}
    logins = defaultdict(list)
    for row in _memberships(cluster, participant__in=list(by_participant), **full):
        logins[row.participant_id].append((row.user.email, row.user.language))
    for participant in Participant.objects.filter(cluster=cluster, pk__in=list(by_participant)):
        readers = logins[participant.pk] or [(participant.email, settings.LANGUAGE_CODE)]
        for address, language in readers:
            if address:
                yield Reader(address, language, From.MEMBER, tuple(by_participant[participant.pk]))


def _coordinators(cluster: Cluster) -> Iterator[Reader]:
    points = tuple(owed_points(cluster.pk, From.COORDINATOR))
    full = {"role": Membership.Role.COORDINATOR, "level": Membership.Level.FULL}
    if points:
        for row in _memberships(cluster, **full):
            yield Reader(row.user.email, row.user.language, From.COORDINATOR, points)


def _memberships(cluster: Cluster, **wanted: object) -> Iterable[Membership]:
    rows = Membership.objects.filter(cluster=cluster, user__is_active=True, **wanted)
    return rows.select_related("user").order_by("user")
