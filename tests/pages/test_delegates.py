"""A member lets an accountant in and out again; the coordinator invites helpers."""

import datetime as dt
import re

import pytest
from django.core import mail
from django.test import Client

from metering.models import DsoArea, GridNode
from participants.models import DsoUser, Membership, RoleInvitation
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast, make_dso_user, make_user
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def invited(client: Client, email: str, level: str) -> str:
    """Sends an invitation from the member's page; returns the path of the link in the e-mail."""
    response = client.post("/delegates/", {"email": email, "level": level}, follow=True)
    assert f"Invited: {email}" in text_of(response)
    assert mail.outbox[-1].to == [email]
    return re.findall(r"https?://[^/]+(/roles/\S+)", str(mail.outbox[-1].body))[0]


def test_an_accountant_is_let_in_and_out_again(cast: Cast) -> None:
    owner = signed_in(cast.owner)
    link = invited(owner, "accountant@example.org", "read")
    accountant = signed_in(make_user("accountant@example.org"))
    text = text_of(accountant.get(link))
    assert cast.seller.name in text
    assert "You will be let in as: read only" in text
    assert accountant.post(link)["Location"] == "/"
    assert "What you fed in · 0.400 kWh" in text_of(accountant.get("/"))
    assert accountant.get("/delegates/").status_code == 403
    assert "1 other person sees your pages" in text_of(owner.get("/delegates/"))
    with scope(cast.cluster.pk):
        number = Membership.objects.get(user__email="accountant@example.org").pk
    owner.post(f"/delegates/{number}/remove/")
    assert accountant.get("/energy/").status_code == 403
    assert "Only you see your pages" in text_of(owner.get("/delegates/"))


def test_who_is_in_already_is_not_invited_and_an_expired_link_is_told(cast: Cast) -> None:
    owner = signed_in(cast.owner)
    for email in (cast.owner.email, f" {cast.owner.email.upper()}"):
        text = text_of(owner.post("/delegates/", {"email": email, "level": "read"}))
        assert "This person sees your pages already." in text
    assert not mail.outbox
    invited(owner, "accountant@example.org", "read")
    assert "invited, until" in text_of(owner.get("/delegates/"))
    with scope(cast.cluster.pk):
        RoleInvitation.objects.update(created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert "the link has expired" in text_of(owner.get("/delegates/"))


def test_a_link_is_for_its_address_and_works_once(cast: Cast) -> None:
    link = invited(signed_in(cast.owner), "accountant@example.org", "act")
    thief = signed_in(make_user("thief@example.org"))
    assert "for another e-mail address" in text_of(thief.get(link))
    assert thief.post(link).status_code == 404
    unverified = make_user("accountant@example.org")
    unverified.emailaddress_set.update(verified=False)
    assert signed_in(unverified).post(link).status_code == 404
    unverified.emailaddress_set.update(verified=True)
    assert signed_in(unverified).post(link).status_code == 302
    assert "no longer good" in text_of(signed_in(unverified).post(link))


def test_a_withdrawn_a_replaced_and_an_old_link_are_worthless(cast: Cast) -> None:
    owner, accountant = signed_in(cast.owner), signed_in(make_user("accountant@example.org"))
    first = invited(owner, "accountant@example.org", "read")
    second = invited(owner, "accountant@example.org", "act")
    assert accountant.get(first).status_code == 404
    with scope(cast.cluster.pk):
        invitation = RoleInvitation.objects.get(taken_at=None)
        RoleInvitation.objects.update(created_at=invitation.created_at - dt.timedelta(days=15))
    assert accountant.post(second).status_code == 404
    third = invited(owner, "accountant@example.org", "read")
    with scope(cast.cluster.pk):
        number = RoleInvitation.objects.get(taken_at=None).pk
    owner.post(f"/delegates/invitations/{number}/withdraw/")
    assert accountant.post(third).status_code == 404
    with scope(cast.cluster.pk):
        assert not Membership.objects.filter(user__email="accountant@example.org").exists()


def test_nobody_is_invited_to_more_than_a_delegate_may(cast: Cast) -> None:
    for level in ("full", "accounts", "coordinator", ""):
        signed_in(cast.owner).post("/delegates/", {"email": "x@example.org", "level": level, "role": "coordinator"})
    assert not mail.outbox


def test_the_coordinator_invites_a_helper_and_changes_the_level(cast: Cast) -> None:
    coordinator = signed_in(cast.coordinator)
    coordinator.post("/admin/participants/roleinvitation/add/", {"email": "h@example.org", "level": "read"})
    link = re.findall(r"https?://[^/]+(/roles/\S+)", str(mail.outbox[-1].body))[0]
    user = make_user("h@example.org")
    assert signed_in(user).post(link).status_code == 302
    with scope(cast.cluster.pk):
        helper, own = (Membership.objects.get(user=person, role="coordinator") for person in (user, cast.coordinator))
    assert (helper.level, helper.participant) == ("read", None)
    coordinator.post(f"/admin/participants/membership/{helper.pk}/change/", {"level": "accounts", "role": "member"})
    assert coordinator.post(f"/admin/participants/membership/{own.pk}/change/", {"level": "read"}).status_code == 403
    assert coordinator.post(f"/admin/participants/membership/{own.pk}/delete/", {"post": "yes"}).status_code == 403
    with scope(cast.cluster.pk):
        helper.refresh_from_db()
        assert (helper.level, helper.role) == ("accounts", "coordinator")


def test_a_distributors_user_sees_the_own_area_only(cast: Cast) -> None:
    user = make_dso_user(cast.cluster.dso, "area@example.org")
    DsoUser.objects.filter(user=user).update(whole_grid=False)
    assert signed_in(user).get("/dso/").status_code == 403
    with scope(cast.cluster.pk):
        root = GridNode.objects.get(level="cluster")
        other = GridNode.objects.create(cluster=cast.cluster, code="ST-2", level="station", parent=root)
        area = DsoArea.objects.create(cluster=cast.cluster, user=user, grid_node=other)
    page = "/dso/?month=2026-06&day=2026-06-11"
    assert cast.seller_point.code not in text_of(signed_in(user).get(page))
    with scope(cast.cluster.pk):
        DsoArea.objects.filter(pk=area.pk).update(grid_node=root)
    assert "2 of 2 metering points lack readings" in text_of(signed_in(user).get(page))
