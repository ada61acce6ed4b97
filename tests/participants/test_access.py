"""Who gets in where: owner, colleague, coordinator, distributor, outsider, and the other cluster's people."""

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import Contract
from metering.models import IntervalInput
from participants.access import Access, accesses_of
from participants.api_keys import create_api_key
from participants.models import ApiKey, Participant
from participants.tenancy.scope import NoScope, clusters_in_scope, scope
from participants.tenancy.tasks import ClusterTask
from tests.cast import NOON, Cast, make_cast, make_dso_user, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours() -> Cast:
    return make_cast("ours")


@pytest.fixture
def theirs() -> Cast:
    return make_cast("theirs")


def signed_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def admin_pages() -> list[str]:
    return [
        "admin:participants_participant_changelist",
        "admin:metering_meteringpoint_changelist",
        "admin:contracts_contract_changelist",
        "admin:clearing_clearingrun_changelist",
        "admin:billing_statement_changelist",
        "admin:index",
    ]


@pytest.mark.parametrize("page", admin_pages())
def test_the_admin_is_the_coordinators(page: str, ours: Cast) -> None:
    assert signed_in(ours.coordinator).get(reverse(page)).status_code == 200
    for user in (ours.owner, ours.colleague, make_user("outsider@example.org"), make_dso_user(ours.cluster.dso)):
        assert signed_in(user).get(reverse(page), follow=True).status_code == 403
    assert Client().get(reverse(page), follow=True).redirect_chain[-1][0].startswith("/accounts/login/")


def test_a_coordinator_sees_only_the_own_cluster(ours: Cast, theirs: Cast) -> None:
    page = signed_in(ours.coordinator).get(reverse("admin:participants_participant_changelist")).content.decode()
    assert ours.seller.name in page
    assert theirs.seller.name not in page


def test_a_coordinator_changes_nothing_of_the_other_cluster(ours: Cast, theirs: Cast) -> None:
    client = signed_in(ours.coordinator)
    form = {"code": "P0001", "kind": "prosumer", "legal_form": "person", "name": "Stolen", "country": "PL"}
    for target in (theirs.seller, ours.seller):
        url = reverse("admin:participants_participant_change", args=[target.pk])
        client.post(url, form | {"cluster": theirs.cluster.pk})
    with scope(theirs.cluster.pk):
        assert Participant.objects.get(pk=theirs.seller.pk).name == theirs.seller.name
        assert Participant.objects.count() == 2
    with scope(ours.cluster.pk):
        assert Participant.objects.get(pk=ours.seller.pk).name == "Stolen"


def test_a_new_row_belongs_to_the_coordinators_cluster_and_a_double_is_named(ours: Cast, theirs: Cast) -> None:
    client = signed_in(ours.coordinator)
    form = {"code": "P0077", "kind": "consumer", "legal_form": "person", "name": "New", "country": "PL"}
    url = reverse("admin:participants_participant_add")
    assert client.post(url, form).status_code == 302
    with scope(ours.cluster.pk):
        assert Participant.objects.get(code="P0077").cluster_id == ours.cluster.pk
    assert "errornote" in client.post(url, form).content.decode()


def test_overlapping_contracts_are_refused_with_the_other_ones_name(ours: Cast) -> None:
    form = {"participant": ours.buyer.pk, "scheme": "standard", "valid_from": "2026-06-01", "valid_to": ""}
    answer = signed_in(ours.coordinator).post(reverse("admin:contracts_contract_add") + "?_language=en", form)
    assert answer.status_code == 200
    assert "P0002" in answer.context["adminform"].form.non_field_errors().as_text()


def test_a_change_makes_what_was_settled_from_its_day_on_due_again(ours: Cast) -> None:
    client = signed_in(ours.coordinator)

    def changes() -> int:
        with scope(ours.cluster.pk):
            return IntervalInput.objects.get(interval_start=NOON).changes

    with scope(ours.cluster.pk):
        contract = Contract.objects.get(participant=ours.buyer)
    url = reverse("admin:contracts_contract_change", args=[contract.pk])
    form = {"participant": ours.buyer.pk, "scheme": "p2p", "valid_from": "2026-01-01", "valid_to": ""}
    client.post(url, form)
    assert changes() == 1
    client.post(url, form | {"valid_to": "2026-06-12"})
    assert changes() == 1
    client.post(url, form | {"valid_to": "2026-06-11"})
    assert changes() == 2
    client.post(url, form | {"valid_to": "2026-06-11", "scheme": "standard"})
    assert changes() == 3


def test_what_was_settled_cannot_be_changed_in_the_admin(ours: Cast) -> None:
    client = signed_in(ours.coordinator)
    url = reverse("admin:clearing_clearingrun_change", args=[ours.run.pk])
    assert "590000000000000013" in client.get(url).content.decode()
    assert client.post(url, {"status": "provisional"}).status_code == 403
    assert client.get(reverse("admin:clearing_clearingrun_add")).status_code == 403
    assert client.post(reverse("admin:clearing_clearingrun_delete", args=[ours.run.pk])).status_code == 403


def test_ways_in(ours: Cast, theirs: Cast) -> None:
    assert accesses_of(ours.owner) == [Access(ours.cluster.pk, "member", ours.seller.pk)]
    assert accesses_of(ours.coordinator) == [Access(ours.cluster.pk, "coordinator")]
    both = {ours.cluster.pk, theirs.cluster.pk}
    assert {access.cluster_id for access in accesses_of(make_dso_user(ours.cluster.dso))} == both
    other_dso = make_cast("elsewhere", dso_name="Other Distribution").cluster
    assert [a.cluster_id for a in accesses_of(make_dso_user(other_dso.dso, "o@example.org"))] == [other_dso.pk]
    assert accesses_of(make_user("outsider@example.org")) == []
    assert len(accesses_of(make_user("operator@example.org", is_superuser=True))) == 3


def test_a_choice_in_the_session_that_is_not_the_users_is_not_believed(ours: Cast, theirs: Cast) -> None:
    client = signed_in(ours.coordinator)
    session = client.session
    session["access"] = f"{theirs.cluster.pk}:coordinator:"
    session.save()
    page = client.get(reverse("admin:participants_participant_changelist")).content.decode()
    assert theirs.seller.name not in page
    assert ours.seller.name in page


def test_an_api_key_opens_its_own_cluster_until_it_is_revoked(ours: Cast, theirs: Cast) -> None:
    url = reverse("api-readings")
    with scope(ours.cluster.pk):
        token, key = create_api_key(ours.cluster, "meter")
    forged = token.replace("ours.", "theirs.")

    def status(text: str) -> int:
        header = {"Authorization": f"Bearer {text}"}
        return Client().post(url, {"readings": []}, "application/json", headers=header).status_code

    assert status(token) == 400  # Let in; an empty delivery is refused for what it is.
    assert status(forged) == status("ours.wrong") == status("nowhere.x") == status("") == 401
    assert Client().post(url, {"readings": []}, "application/json").status_code == 401
    with scope(ours.cluster.pk):
        ApiKey.objects.filter(pk=key.pk).update(revoked_at="2026-06-01T00:00Z")
    assert status(token) == 401


def test_a_request_leaves_no_scope_behind(ours: Cast) -> None:
    signed_in(ours.coordinator).get(reverse("admin:index"))
    assert clusters_in_scope() == ()


def test_a_task_without_a_cluster_is_refused() -> None:
    with pytest.raises(NoScope):
        ClusterTask().apply_async()
