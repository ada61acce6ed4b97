"""The Privacy page and the directory: what a member decides, and what others see of it."""

import datetime as dt

import pytest
from django.test import Client

from metering.models import MeteringPoint, PointAssignment
from participants.models import Consent, ErasureRequest, Membership, Participant
from participants.services.consents import decide
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast, make_dso_user, make_user
from tests.pages.conftest import NOW
from tests.pages.scenes import add_members, settle, signed_in, text_of

pytestmark = pytest.mark.django_db
CONSENT = {"purpose": "directory_name", "given": "yes"}
POSTS = [
    ("/privacy/consents/", CONSENT),
    ("/privacy/erasure/", {"sure": "yes"}),
    ("/privacy/erasure/withdraw/", {}),
]


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def stored(cast: Cast) -> tuple[int, int]:
    with scope(cast.cluster.pk):
        return Consent.objects.count(), ErasureRequest.objects.count()


def directory(cast: Cast) -> str:
    return text_of(signed_in(cast.colleague).get("/cluster/"))


def consent(client: Client, purpose: str, given: str = "yes") -> None:
    response = client.post("/privacy/consents/", {"purpose": purpose, "given": given}, follow=True)
    assert response.status_code == 200


def test_the_page_says_which_name_neighbours_read(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        settle(cast, NOW.replace(hour=11, minute=0), {cast.seller_point: 100}, {cast.buyer_point: 100})
    own = text_of(signed_in(cast.owner).get("/privacy/"))
    name = own.split("To your neighbours you are today ")[1].split()[0]
    assert f"Seller {name}" in text_of(signed_in(cast.colleague).get("/trades/"))
    assert name not in text_of(signed_in(cast.owner).get("/trades/"))
    assert name not in text_of(signed_in(cast.colleague).get("/privacy/"))


def test_nobody_is_named_without_consent(cast: Cast) -> None:
    assert "Nobody shows a name here so far" in directory(cast)
    assert cast.seller.name not in directory(cast)


def test_a_consent_shows_and_its_withdrawal_hides_at_once(cast: Cast) -> None:
    client = signed_in(cast.owner)
    consent(client, "directory_generation")
    assert cast.seller.name not in directory(cast)
    consent(client, "directory_name")
    assert f"{cast.seller.name} prosumer 10.0 kW" in directory(cast)
    assert "given on" in text_of(client.get("/privacy/"))
    consent(client, "directory_generation", "no")
    assert f"{cast.seller.name} prosumer not shown" in directory(cast)
    consent(client, "directory_name", "no")
    assert cast.seller.name not in directory(cast)
    assert "withdrawn on" in text_of(client.get("/privacy/"))
    with scope(cast.cluster.pk):
        noted = Consent.objects.order_by("pk").values_list("purpose", "given", "decided_by")
        assert list(noted) == [
            ("directory_generation", True, cast.owner.pk),
            ("directory_name", True, cast.owner.pk),
            ("directory_generation", False, cast.owner.pk),
            ("directory_name", False, cast.owner.pk),
        ]


@pytest.mark.parametrize(("others", "shown"), [(3, False), (4, True)])
def test_what_fewer_than_five_can_generate_is_not_summed(cast: Cast, others: int, shown: bool) -> None:
    add_members(cast, others)
    # Five kW each, and ten of the owner.
    text = directory(cast)
    assert ("30.0 kW can be generated together" in text) is shown
    assert ("too few of them" in text) is not shown


def test_a_sum_is_not_shown_where_the_named_ones_leave_fewer_than_five(cast: Cast) -> None:
    """The sum less what is shown by name would be the rest's."""
    add_members(cast, 4)
    for purpose in Consent.Purpose.values:
        consent(signed_in(cast.owner), purpose)
    assert "can be generated together" not in directory(cast)
    with scope(cast.cluster.pk):
        for participant in Participant.objects.filter(code__startswith="M"):
            for purpose in Consent.Purpose.values:
                decide(participant, purpose, True, cast.owner)
    assert "30.0 kW can be generated together" in directory(cast)


def test_five_points_of_one_member_hide_nobody(cast: Cast) -> None:
    add_members(cast, 4)
    with scope(cast.cluster.pk):
        points = MeteringPoint.objects.exclude(assignments__participant=cast.buyer)
        PointAssignment.objects.filter(metering_point__in=points).update(participant=cast.seller)
    assert "can be generated together" not in directory(cast)


def test_who_left_is_listed_no_more(cast: Cast) -> None:
    consent(signed_in(cast.owner), "directory_name")
    with scope(cast.cluster.pk):
        PointAssignment.objects.filter(participant=cast.seller).update(valid_to=dt.date(2026, 11, 22))
    assert cast.seller.name not in directory(cast)


def test_a_long_directory_has_pages(cast: Cast) -> None:
    add_members(cast, 60)
    with scope(cast.cluster.pk):
        for participant in Participant.objects.filter(code__startswith="M"):
            decide(participant, "directory_name", True, cast.owner)
    second = text_of(signed_in(cast.owner).get("/cluster/?page=2"))
    assert "page 2 of 2" in second
    assert second.count("prosumer not shown") == 10
    assert "Nobody shows a name" not in second


def test_the_other_cluster_sees_no_names_of_ours(cast: Cast) -> None:
    theirs = make_cast("beta")
    consent(signed_in(cast.owner), "directory_name")
    assert cast.seller.name not in directory(theirs)


@pytest.mark.parametrize(("address", "data"), POSTS)
def test_only_the_member_itself_decides(cast: Cast, address: str, data: dict[str, str]) -> None:
    with scope(cast.cluster.pk):
        Consent.objects.create(cluster=cast.cluster, participant=cast.seller, purpose="directory_name", given=False,
                               decided_by=cast.owner)  # fmt: skip
        ErasureRequest.objects.create(cluster=cast.cluster, participant=cast.seller, requested_at=NOW)
    before = stored(cast)
    people = [cast.coordinator, make_dso_user(cast.cluster.dso), make_user("nobody@example.org")]
    for level in ("act", "read"):
        delegate = make_user(f"{level}@example.org")
        with scope(cast.cluster.pk):
            Membership.objects.create(
                cluster=cast.cluster, user=delegate, role="member", participant=cast.seller, level=level
            )
        people.append(delegate)
    for user in people:
        assert signed_in(user).post(address, data).status_code == 403
    assert Client().post(address, data)["Location"].startswith("/accounts/login/")
    assert signed_in(cast.owner).get(address).status_code == 405
    assert stored(cast) == before


def test_nobody_decides_for_another(cast: Cast) -> None:
    """Whatever the request names, it is about the own participant."""
    for data in ({"participant": cast.seller.pk}, {"participant_id": cast.seller.pk, "cluster": cast.cluster.pk}):
        signed_in(cast.colleague).post("/privacy/consents/", CONSENT | data)
    with scope(cast.cluster.pk):
        assert set(Consent.objects.values_list("participant", flat=True)) == {cast.buyer.pk}


@pytest.mark.parametrize("data", [{"purpose": "everything", "given": "yes"}, {"purpose": "directory_name"}, {}])
def test_a_consent_to_nothing_known_is_refused(cast: Cast, data: dict[str, str]) -> None:
    assert signed_in(cast.owner).post("/privacy/consents/", data).status_code == 404
    assert stored(cast) == (0, 0)


def test_forgetting_is_asked_for_and_taken_back(cast: Cast) -> None:
    client = signed_in(cast.owner)
    assert "it can't be undone" in text_of(client.post("/privacy/erasure/", follow=True))
    assert stored(cast) == (0, 0)
    assert "Requested on" in text_of(client.post("/privacy/erasure/", {"sure": "yes"}, follow=True))
    client.post("/privacy/erasure/", {"sure": "yes"})
    assert stored(cast) == (0, 1)
    assert "First must end: your contract, the assignment of your metering points." in text_of(client.get("/privacy/"))
    signed_in(cast.colleague).post("/privacy/erasure/withdraw/")
    assert stored(cast) == (0, 1)
    client.post("/privacy/erasure/withdraw/")
    assert stored(cast) == (0, 0)


@pytest.mark.parametrize("user", ["coordinator", "dso", "nobody"])
def test_only_members_have_the_page(cast: Cast, user: str) -> None:
    who = {
        "coordinator": cast.coordinator,
        "dso": make_dso_user(cast.cluster.dso),
        "nobody": make_user("n@example.org"),
    }
    assert signed_in(who[user]).get("/privacy/").status_code == 403
    assert signed_in(who[user]).get("/privacy/data.zip").status_code == 403


def test_the_page_in_polish(cast: Cast) -> None:
    assert "Dla sąsiadów nazywasz się dziś" in text_of(signed_in(cast.owner, "pl").get("/privacy/"))
