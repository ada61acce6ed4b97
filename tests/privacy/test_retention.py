"""What is kept goes when its time is over, and not a day earlier."""

import datetime as dt
import io
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from contracts.models import Contract
from contracts.services.retention import KINDS, close_expired, delete_expired
from contracts.tasks import delete_expired_of_cluster
from metering.models import PointAssignment, ReadingAccess
from participants.models import (
    Application,
    ApplicationDocument,
    ApplicationEvent,
    ApplicationPoint,
    Change,
    Complaint,
    Invitation,
    Membership,
    Participant,
    RoleInvitation,
    User,
)
from participants.tenancy.scope import scope
from tests.cast import DAY, NOON, Cast, make_cast, make_dso_user, make_user
from tests.pages.conftest import NOW
from tests.pages.scenes import bill, signed_in, text_of

pytestmark = pytest.mark.django_db
NEVER = dict.fromkeys((*KINDS, "logins"), 0)
#: Local midnight at which October 2025 ended: the limit of 12 months on 22 November 2026 is a month later.
NOVEMBER = dt.datetime(2025, 10, 31, 23, tzinfo=dt.UTC)
SHORT = dt.timedelta(seconds=1)
LONG_AGO = dt.date(2015, 1, 1)


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def run(cast: Cast, dry_run: bool = False, **months: int) -> dict[str, int]:
    done = delete_expired(cast.cluster, NEVER | months, NOW, dry_run)
    return {kind: count for kind, (_day, count) in done.items()}


def applied(cast: Cast, email: str, status: str, last_step: dt.datetime) -> User:
    """Somebody who wrote much, and whose last step was then."""
    user = make_user(email)
    User.objects.filter(pk=user.pk).update(date_joined=NOON - dt.timedelta(days=900))
    application = Application.objects.create(
        cluster=cast.cluster, user=user, status=status, language="pl", name="Zuzanna Tajna", street="ul. Tajna 7",
        created_at=last_step - dt.timedelta(days=30),
    )  # fmt: skip
    inside: dict[str, Any] = {"cluster": cast.cluster, "application": application}
    ApplicationEvent.objects.create(**inside, at=last_step, step="refuse", actor="coordinator", user=user, text="Tajna")
    ApplicationPoint.objects.create(
        **inside, code="590777777777777777", tariff_group="G11", contracted_power_kw=1, phases=1, yearly_use_kwh=1
    )
    ApplicationDocument.objects.create(
        **inside, name="Tajna.pdf", content_type="application/pdf", content=b"x", size=1, uploaded_at=last_step
    )
    return user


def in_history(cast: Cast, text: str) -> bool:
    with scope(cast.cluster.pk):
        return any(text in str((row.before, row.after)) for row in Change.objects.all())


def test_a_refused_applicant_is_forgotten_when_the_time_is_over(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        gone = applied(cast, "gone@example.org", "refused", NOVEMBER - SHORT)
        kept = applied(cast, "kept@example.org", "refused", NOVEMBER)
    assert in_history(cast, "590777777777777777")
    assert run(cast, applications=12) == {"applications": 1}
    with scope(cast.cluster.pk):
        old, new = Application.objects.get(user=gone), Application.objects.get(user=kept)
        assert (old.name, old.street, old.points.count(), old.documents.count()) == ("", "", 0, 0)
        assert old.events.get().text == ""
        assert (new.name, new.points.count(), new.documents.count()) == ("Zuzanna Tajna", 1, 1)
    gone.refresh_from_db()
    kept.refresh_from_db()
    assert not gone.is_active and "gone" not in gone.email
    assert not EmailAddress.objects.filter(email="gone@example.org").exists()
    assert kept.is_active
    assert run(cast, applications=12) == {"applications": 0}


@pytest.mark.parametrize("status", ["submitted", "questions", "at_dso", "objected", "confirmed"])
def test_an_application_that_waits_is_never_deleted(cast: Cast, status: str) -> None:
    with scope(cast.cluster.pk):
        user = applied(cast, "slow@example.org", "refused", NOVEMBER - SHORT)
        Application.objects.create(
            cluster=cast.cluster, user=user, status=status, language="pl", created_at=NOVEMBER - SHORT, start_day=DAY
        )
    assert run(cast, applications=12) == {"applications": 0}
    with scope(cast.cluster.pk):
        assert Application.objects.filter(user=user, name="Zuzanna Tajna").count() == 1


def test_a_draft_that_nobody_went_on_with_is_deleted_and_who_is_a_member_keeps_the_login(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        user = applied(cast, "draft@example.org", "draft", NOVEMBER - SHORT)
        Membership.objects.create(cluster=cast.cluster, user=user, role="member", participant=cast.buyer, level="read")
    assert run(cast, applications=12) == {"applications": 1}
    user.refresh_from_db()
    assert user.is_active and user.email == "draft@example.org"
    assert not in_history(cast, "Tajna")


def test_the_other_cluster_keeps_what_it_has(cast: Cast) -> None:
    theirs = make_cast("beta")
    with scope(theirs.cluster.pk):
        applied(theirs, "theirs@example.org", "refused", NOVEMBER - SHORT)
        Complaint.objects.create(
            cluster=theirs.cluster, participant=theirs.seller, user=theirs.owner, subject="s", text="t", made_at=NOON,
            due_on=DAY, answer="a", answered_at=NOVEMBER - SHORT, answered_by=theirs.coordinator,
        )  # fmt: skip
        access(theirs, NOW - dt.timedelta(days=3000))
        before = Change.objects.count()
    done = delete_expired(cast.cluster, dict.fromkeys(NEVER, 12) | {"changes": 60}, NOW)
    assert [count for _day, count in done.values()] == [0] * len(KINDS)
    with scope(theirs.cluster.pk):
        assert (Application.objects.get().name, Complaint.objects.get().text) == ("Zuzanna Tajna", "t")
        assert (ReadingAccess.objects.count(), Change.objects.count()) == (1, before)


def test_links_that_nobody_followed_are_deleted(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        for day, used in ((-1, None), (-1, NOON), (1, None)):
            Invitation.objects.create(
                cluster=cast.cluster, email=f"tajna{day}{bool(used)}@example.org", token_sha256=f"{day}{used}"[:64],
                created_at=NOON, expires_at=NOVEMBER + dt.timedelta(days=day), used_at=used,
                invited_by=cast.coordinator,
            )  # fmt: skip
        for created, taken in ((NOVEMBER - dt.timedelta(days=15), None), (NOVEMBER, None), (NOVEMBER - SHORT, NOON)):
            RoleInvitation.objects.create(
                cluster=cast.cluster, email=f"to{created:%j}@example.org", level="read", secret_sha256=f"{created}",
                invited_by=cast.coordinator, created_at=created, taken_at=taken, taken_by=cast.owner if taken else None,
            )  # fmt: skip
    assert run(cast, invitations=12) == {"invitations": 2}
    with scope(cast.cluster.pk):
        assert {row.email for row in Invitation.objects.all()} == {"tajna-1True@example.org", "tajna1False@example.org"}
        assert RoleInvitation.objects.count() == 2
    assert not in_history(cast, "tajna-1False")


def test_texts_of_complaints_go_and_the_answered_complaint_stays(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        for text, answered in (("old", NOVEMBER - SHORT), ("new", NOVEMBER), ("open", None)):
            Complaint.objects.create(
                cluster=cast.cluster, participant=cast.seller, user=cast.owner, subject=text, text=text, made_at=NOON,
                due_on=DAY, answer="Tajna" if answered else "", answered_at=answered,
                answered_by=cast.coordinator if answered else None,
            )  # fmt: skip
    assert run(cast, complaints=12) == {"complaints": 1}
    with scope(cast.cluster.pk):
        assert sorted(Complaint.objects.values_list("text", flat=True)) == ["new", "open", "—"]
    assert run(cast, complaints=12) == {"complaints": 0}


def access(cast: Cast, at: dt.datetime) -> None:
    ReadingAccess.objects.create(
        cluster=cast.cluster, at=at, role="coordinator", readings_from=NOON, readings_to=NOW, purpose="run"
    )


def test_the_log_of_accesses_is_shortened_but_never_by_the_last_year(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        access(cast, NOVEMBER - SHORT)
        access(cast, NOVEMBER)
    assert run(cast, accesses=12) == {"accesses": 1}
    with scope(cast.cluster.pk):
        assert ReadingAccess.objects.get().at == NOVEMBER
        for function in ("delete_reading_accesses", "delete_changes"):
            with pytest.raises(DatabaseError, match="at least"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SELECT {function}(now() - interval '360 days')")
        with pytest.raises(DatabaseError, match="denied"), transaction.atomic():
            ReadingAccess.objects.all().delete()


def test_the_history_of_changes_is_shortened(cast: Cast) -> None:
    later = NOW + dt.timedelta(days=366 * 7)
    with scope(cast.cluster.pk):
        count = Change.objects.count()
    assert count
    done = delete_expired(cast.cluster, NEVER | {"changes": 120}, later)
    assert done["changes"][1] == 0
    done = delete_expired(cast.cluster, NEVER | {"changes": 60}, NOW + dt.timedelta(days=366 * 6), dry_run=True)
    assert done["changes"][1] == count


def leave(cast: Cast, day: dt.date) -> None:
    with scope(cast.cluster.pk):
        Contract.objects.filter(participant=cast.seller).update(valid_from=LONG_AGO, valid_to=day)
        PointAssignment.objects.filter(participant=cast.seller).update(valid_from=LONG_AGO, valid_to=day)


def test_who_left_long_ago_loses_the_name_and_keeps_the_statements(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        bill(cast, cast.seller)
    leave(cast, dt.date(2025, 11, 1))
    assert run(cast, members=12) == {"members": 0}
    leave(cast, dt.date(2025, 10, 31))
    with scope(cast.cluster.pk):
        complaint = Complaint.objects.create(
            cluster=cast.cluster, participant=cast.seller, user=cast.owner, subject="s", text="t", made_at=NOON,
            due_on=DAY,
        )  # fmt: skip
    assert run(cast, members=12) == {"members": 0}
    with scope(cast.cluster.pk):
        complaint.delete()
    assert run(cast, members=12) == {"members": 1}
    with scope(cast.cluster.pk):
        assert Participant.objects.get(pk=cast.seller.pk).name == "—"
        assert Participant.objects.get(pk=cast.buyer.pk).name == cast.buyer.name
    assert run(cast, members=12) == {"members": 0}
    assert "P0001" in text_of(signed_in(cast.coordinator).get("/admin/billing/statement/"))


def test_a_dry_run_counts_and_deletes_nothing(cast: Cast) -> None:
    leave(cast, dt.date(2020, 1, 1))
    with scope(cast.cluster.pk):
        applied(cast, "gone@example.org", "withdrawn", NOVEMBER - SHORT)
        access(cast, NOW - dt.timedelta(days=1200))
        name = Participant.objects.get(pk=cast.seller.pk).name
    for _ in range(2):
        counts = run(cast, dry_run=True, applications=12, accesses=36, members=60)
        assert counts == {"applications": 1, "accesses": 1, "members": 1}
    with scope(cast.cluster.pk):
        assert Participant.objects.get(pk=cast.seller.pk).name == name
        assert Application.objects.get().name == "Zuzanna Tajna"


def test_logins_that_open_nothing_are_closed_and_old_sessions_go(cast: Cast) -> None:
    old = {"date_joined": NOW - dt.timedelta(days=900)}
    unused = make_user("unused@example.org")
    used = make_user("used@example.org")
    distributor = make_dso_user(cast.cluster.dso)
    User.objects.update(**old)
    User.objects.filter(pk=used.pk).update(last_login=NOW - dt.timedelta(days=10))
    signed_in(cast.owner)
    Session.objects.update(expire_date=NOW - SHORT)
    UserSession.objects.create(
        user=cast.owner, session_key=Session.objects.get().session_key, ip="10.0.0.1", user_agent="x"
    )
    dry = close_expired(NEVER | {"logins": 24}, NOW, dry_run=True)
    assert (dry["logins"][1], dry["sessions"][1]) == (1, 1)
    close_expired(NEVER | {"logins": 24}, NOW)
    active = set(User.objects.filter(is_active=True).values_list("email", flat=True))
    assert unused.email not in active
    assert {used.email, distributor.email, cast.owner.email, cast.coordinator.email} <= active
    assert not Session.objects.exists() and not UserSession.objects.exists()


def test_the_command_says_what_would_go_and_the_schedule_does_it(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        applied(cast, "gone@example.org", "refused", NOON - dt.timedelta(days=800))
    out = io.StringIO()
    call_command("delete_expired", dry_run=True, stdout=out)
    assert "alfa: applications over before" in out.getvalue()
    assert ": 1 would go" in out.getvalue()
    delete_expired_of_cluster(cast.cluster.pk)
    out = io.StringIO()
    call_command("delete_expired", stdout=out)
    assert "alfa: applications over before" in out.getvalue()
    assert ": 1 deleted" not in out.getvalue()
