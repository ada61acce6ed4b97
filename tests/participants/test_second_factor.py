"""Whose password alone opens nothing: coordinators, the distributor and the operator."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.test import Client

from participants.models import Membership, Participant, User
from participants.tenancy.scope import scope
from tests.cast import APP_SECRET, PASSWORD, Cast, app_code, make_cast, make_dso_user, make_user
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
SET_UP = "/accounts/2fa/"
CLOSED = [
    "/", "/dso/", "/energy/", "/money/2026-06.csv", "/admin/", "/admin/participants/participant/", "/admin/logout/",
    "/accounts/password/change/", "/accounts/sessions/", "/accounts/sessions/1/end/", "/accounts/email/",
    "/api/v1/readings",
]  # fmt: skip


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def bare(user: User) -> User:
    Authenticator.objects.filter(user=user).delete()
    return user


def operator(cast: Cast) -> User:
    return make_user("operator@example.org", is_staff=True, is_superuser=True)


ROLES: list[Any] = [
    pytest.param(lambda cast: cast.coordinator, id="coordinator"),
    pytest.param(lambda cast: make_dso_user(cast.cluster.dso), id="dso"),
    pytest.param(operator, id="operator"),
]
every_role = pytest.mark.parametrize("who", ROLES)
Who = Callable[[Cast], User]


@every_role
def test_without_a_second_factor_only_its_set_up_opens(cast: Cast, who: Who) -> None:
    client = signed_in(bare(who(cast)))
    for page in CLOSED:
        for answer in (client.get(page), client.post(page, {})):
            assert (answer.status_code, answer["Location"]) == (302, SET_UP), page
    assert "Your role needs a second factor" in text_of(client.get(SET_UP))
    assert "Drugi składnik" in text_of(client.get(SET_UP, headers={"Accept-Language": "pl"}))
    assert client.post("/i18n/setlang/", {"language": "pl", "next": "/"})["Location"] == "/"
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"
    assert client.get(SET_UP)["Location"].startswith("/accounts/login/")


@every_role
def test_with_one_everything_of_the_role_opens(cast: Cast, who: Who) -> None:
    client = signed_in(who(cast))
    assert client.get("/", follow=True).status_code == 200
    assert client.get("/accounts/sessions/").status_code == 200


@every_role
def test_nothing_is_changed_without_it(cast: Cast, who: Who) -> None:
    client = signed_in(bare(who(cast)))
    form = {"code": "P0077", "kind": "consumer", "legal_form": "person", "name": "New", "country": "PL"}
    assert client.post("/admin/participants/participant/add/", form)["Location"] == SET_UP
    with scope(cast.cluster.pk):
        assert Participant.objects.count() == 2


@every_role
def test_a_machines_key_in_the_header_does_not_lift_it(cast: Cast, who: Who) -> None:
    client = signed_in(bare(who(cast)))
    for key in ("", "x", "alfa.x"):
        answer = client.get("/admin/participants/user/", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 302
        assert "/accounts/" in answer["Location"] or "/admin/login/" in answer["Location"]


def test_a_coordinator_elsewhere_needs_it_as_a_member_too(cast: Cast) -> None:
    other = make_cast("beta")
    assert signed_in(cast.owner).get("/").status_code == 200
    with scope(other.cluster.pk):
        Membership.objects.create(cluster=other.cluster, user=cast.owner, role="coordinator")
    assert signed_in(cast.owner).get("/")["Location"] == SET_UP


def test_members_may_choose(cast: Cast) -> None:
    client = signed_in(cast.owner)
    assert client.get("/energy/").status_code == 200
    assert "nobody gets in with a stolen password alone" in text_of(client.get(SET_UP))


def test_the_app_is_set_up_and_opens_the_desk(cast: Cast) -> None:
    client = Client(headers={"Accept-Language": "en"})
    user = bare(cast.coordinator)
    assert sign_in(client, user)["Location"] == "/"
    assert client.get(f"{SET_UP}totp/activate/")["Location"].startswith("/accounts/reauthenticate/")
    confirm(client)
    page = client.get(f"{SET_UP}totp/activate/")
    secret = page.context["form"].secret
    assert "data:image/svg+xml" in page.content.decode()
    wrong = client.post(f"{SET_UP}totp/activate/", {"code": "000000"})
    assert "Incorrect code" in text_of(wrong)
    answer = client.post(f"{SET_UP}totp/activate/", {"code": app_code(secret)})
    assert answer["Location"] == f"{SET_UP}recovery-codes/"
    assert "Unused codes: 10 of 10" in text_of(client.get(answer["Location"]))
    assert client.get("/admin/").status_code == 200
    stored = Authenticator.objects.filter(user=user).values_list("data", flat=True)
    assert len(stored) == 2
    assert secret not in str(list(stored))


def test_who_got_in_before_with_the_password_alone_is_out(cast: Cast) -> None:
    user = bare(cast.coordinator)
    thief, here = Client(), Client()
    for client in (thief, here):
        assert sign_in(client, user)["Location"] == "/"
    confirm(here)
    page = here.get(f"{SET_UP}totp/activate/")
    here.post(f"{SET_UP}totp/activate/", {"code": app_code(page.context["form"].secret)})
    assert here.get("/admin/").status_code == 200
    assert thief.get("/admin/")["Location"].startswith("/admin/login/")


def test_who_removes_the_last_factor_stands_outside_again(cast: Cast) -> None:
    client = Client()
    pass_both(client, cast.coordinator)
    assert client.get("/admin/").status_code == 200
    assert client.post(f"{SET_UP}totp/deactivate/")["Location"].startswith("/accounts/reauthenticate/")
    confirm(client)
    assert client.post(f"{SET_UP}totp/deactivate/")["Location"] == SET_UP
    assert client.get("/admin/")["Location"] == SET_UP


def sign_in(client: Client, user: User, password: str = PASSWORD) -> Any:
    return client.post("/accounts/login/", {"login": user.email, "password": password})


def confirm(client: Client) -> None:
    """The password again, before anything about signing in is changed."""
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def pass_both(client: Client, user: User) -> None:
    assert sign_in(client, user)["Location"] == "/accounts/2fa/authenticate/"
    assert client.post("/accounts/2fa/authenticate/", {"code": app_code()})["Location"] == "/"


def test_the_password_alone_is_not_enough(cast: Cast) -> None:
    client = Client(headers={"Accept-Language": "en"})
    assert sign_in(client, cast.coordinator)["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == "/accounts/2fa/authenticate/"
    answer = client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert "Incorrect code" in text_of(answer)
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert client.get("/energy/")["Location"].startswith("/accounts/login/")
    assert client.post("/accounts/2fa/authenticate/", {"code": app_code()})["Location"] == "/"
    assert client.get("/admin/").status_code == 200


def test_a_code_and_a_recovery_code_work_once(cast: Cast) -> None:
    spare = RecoveryCodes.activate(cast.coordinator).get_unused_codes()[0]
    code = app_code()
    for used in (code, spare):
        first, second = Client(), Client()
        for client, location in ((first, "/"), (second, None)):
            sign_in(client, cast.coordinator)
            assert client.post("/accounts/2fa/authenticate/", {"code": used}).get("Location") == location
        assert first.get("/admin/").status_code == 200
        assert second.get("/admin/").status_code == 302


def test_the_key_of_another_user_is_neither_renamed_nor_removed(cast: Cast) -> None:
    key = Authenticator.objects.create(user=cast.owner, type="webauthn", data={"name": "Phone", "credential": {}})
    client = Client()
    sign_in(client, cast.colleague)
    confirm(client)
    for action in ("edit", "remove"):
        url = f"{SET_UP}webauthn/keys/{key.pk}/{action}/"
        assert client.get(url).status_code == client.post(url, {"name": "Mine"}).status_code == 404
        assert Client().post(url, {"name": "Mine"}).status_code == 302
    key.refresh_from_db()
    assert key.data["name"] == "Phone"


def test_secrets_stay_readable_after_a_new_secret_key(cast: Cast, settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new one", [settings.SECRET_KEY]
    pass_both(Client(), cast.coordinator)
    assert APP_SECRET not in str(Authenticator.objects.get(user=cast.coordinator).data)
