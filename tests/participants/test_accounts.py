"""Signing up, signing in, being throttled, ending sessions, changing between accesses."""

import re
import time
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.cache.backends.redis import RedisCache
from django.test import Client

from participants.models import Membership, User
from participants.tenancy.scope import scope
from tests.cast import PASSWORD, Cast, add_app, make_cast
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
NEW = "new.neighbour@example.org"


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def visitor(language: str = "en", address: str = "192.0.2.1") -> Client:
    return Client(headers={"Accept-Language": language}, REMOTE_ADDR=address)


def sign_up(client: Client, email: str = NEW) -> Any:
    form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
    return client.post("/accounts/signup/", form, follow=True)


def sign_in(client: Client, email: str, password: str = PASSWORD) -> Any:
    return client.post("/accounts/login/", {"login": email, "password": password}, follow=True)


def link_in_mail() -> str:
    found = re.search(r"http://testserver(/accounts/confirm-email/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("language", "sent", "explained"),
    [
        ("en", "Look into your mailbox", "A cluster's coordinator must admit you"),
        ("pl", "Zajrzyj do skrzynki", "musi Cię przyjąć koordynator klastra"),
    ],
)
def test_a_new_user_confirms_the_address_and_reads_who_admits(language: str, sent: str, explained: str) -> None:
    client = visitor(language)
    assert sent in text_of(sign_up(client))
    assert sent in text_of(sign_in(visitor(language), NEW))  # Unconfirmed: not in yet.
    link = link_in_mail()
    assert NEW in text_of(visitor(language).get(link))
    visitor(language).post(link)
    page = text_of(sign_in(visitor(language), NEW))
    assert explained in page
    assert NEW in page
    assert User.objects.get(email=NEW).password.startswith("argon2$argon2id$")


def test_a_new_user_enters_nothing(cast: Cast) -> None:
    client = visitor()
    sign_up(client)
    client.post(link_in_mail())
    sign_in(client, NEW)
    for page in ("/energy/", "/trades/", "/money/", "/cluster/", "/now/", "/dso/", "/admin/"):
        assert client.get(page, follow=True).status_code == 403
    wanted = f"{cast.cluster.pk}:member:{cast.seller.pk}"
    assert client.post("/access/", {"access": wanted}).status_code == 403


def test_a_link_works_once_and_a_made_up_one_never() -> None:
    sign_up(visitor())
    link = link_in_mail()
    visitor().post(link)
    assert "expired or was used already" in text_of(visitor().get(link))
    assert "expired or was used already" in text_of(visitor().get("/accounts/confirm-email/made:up/"))


def test_signing_up_does_not_tell_who_is_here(cast: Cast) -> None:
    taken = sign_up(visitor(), cast.owner.email)
    fresh = sign_up(visitor())
    assert text_of(taken).replace(cast.owner.email, NEW) == text_of(fresh)
    assert cast.owner.check_password(PASSWORD)
    assert "already exists" in str(mail.outbox[0].body)
    assert User.objects.filter(email=cast.owner.email).count() == 1


@pytest.mark.parametrize("password", ["short", "password123", NEW])
def test_weak_passwords_are_refused(password: str) -> None:
    visitor().post("/accounts/signup/", {"email": NEW, "password1": password, "password2": password})
    assert not User.objects.filter(email=NEW).exists()


def test_wrong_passwords_are_throttled(cast: Cast) -> None:
    for _ in range(5):
        assert "not correct" in text_of(sign_in(visitor(), cast.owner.email, "wrong"))
    assert "Too many failed login attempts" in text_of(sign_in(visitor(), cast.owner.email))
    assert "Too many failed login attempts" in text_of(sign_in(visitor(address="192.0.2.9"), cast.owner.email))
    assert "Latest trades" in text_of(sign_in(visitor(address="192.0.2.9"), cast.colleague.email))


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Try again in five minutes"), ("pl", "Spróbuj ponownie za pięć minut")]
)
def test_who_is_throttled_reads_for_how_long(cast: Cast, language: str, said: str) -> None:
    for _ in range(6):
        page = text_of(sign_in(visitor(language), cast.owner.email, "wrong"))
    assert said in page


def test_after_five_minutes_the_right_password_works_again(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(6):
        sign_in(visitor(), cast.owner.email, "wrong")
    now = time.time()
    monkeypatch.setattr("allauth.core.internal.ratelimit.time.time", lambda: now + 290)
    assert "Too many failed login attempts" in text_of(sign_in(visitor(), cast.owner.email))
    monkeypatch.setattr("allauth.core.internal.ratelimit.time.time", lambda: now + 310)
    assert "Latest trades" in text_of(sign_in(visitor(), cast.owner.email))


def test_one_address_cannot_try_many_accounts(cast: Cast) -> None:
    for number in range(10):
        sign_in(visitor(), f"somebody{number}@example.org", "wrong")
    assert "Too many failed login attempts" in text_of(sign_in(visitor(), cast.owner.email))
    assert "Latest trades" in text_of(sign_in(visitor(address="192.0.2.9"), cast.owner.email))


def test_wrong_codes_are_throttled(cast: Cast) -> None:
    client = visitor()
    sign_in(client, cast.coordinator.email)
    answers = [text_of(client.post("/accounts/2fa/authenticate/", {"code": f"{n:06}"})) for n in range(6)]
    assert "Incorrect code" in answers[0]
    assert "Too many failed login attempts" in answers[5]


@pytest.mark.parametrize(("language", "said"), [("en", "Too many attempts"), ("pl", "Za dużo prób")])
def test_signing_up_by_the_dozen_is_stopped_with_a_page(language: str, said: str) -> None:
    answers = [sign_up(visitor(language), f"robot{number}@example.org") for number in range(21)]
    assert [answer.status_code for answer in answers[-2:]] == [200, 429]
    assert said in text_of(answers[-1])
    assert User.objects.filter(email__startswith="robot").count() == 20


@pytest.mark.parametrize(("proxies", "counted"), [(0, "192.0.2.1"), (1, "203.0.113.5")])
def test_the_address_is_believed_only_from_the_own_proxy(cast: Cast, settings: Any, proxies: int, counted: str) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    client = Client(headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.5"}, REMOTE_ADDR="192.0.2.1")
    sign_in(client, cast.owner.email)
    assert counted in text_of(client.get("/accounts/sessions/"))


def test_own_sessions_are_seen_and_ended_and_nobody_elses(cast: Cast) -> None:
    here, there, neighbour = visitor(), visitor(address="198.51.100.7"), visitor()
    for client, user in ((here, cast.owner), (there, cast.owner), (neighbour, cast.colleague)):
        sign_in(client, user.email)
    page = text_of(here.get("/accounts/sessions/"))
    assert page.count("198.51.100.7") == 1
    assert "this one" in page
    here.post("/accounts/sessions/")
    assert there.get("/")["Location"].startswith("/accounts/login/")
    assert here.get("/").status_code == neighbour.get("/").status_code == 200
    assert "signed in nowhere else" in text_of(here.get("/accounts/sessions/"))
    assert Client().post("/accounts/sessions/")["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36", "Chrome · Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari · iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36 Edg/130.0", "Edge · Windows"),
        ("curl/8.5", "curl/8.5"),
    ],
)
def test_browsers_are_named_as_people_know_them(cast: Cast, said: str, shown: str) -> None:
    client = Client(headers={"Accept-Language": "en", "User-Agent": said})
    sign_in(client, cast.owner.email)
    assert f"127.0.0.1 this one {shown} " in text_of(client.get("/accounts/sessions/"))


def test_the_address_to_sign_in_with_is_changed(cast: Cast) -> None:
    client = visitor()
    sign_in(client, cast.owner.email)
    assert "Use this one" not in text_of(client.get("/accounts/email/"))
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/email/", {"action_add": "", "email": NEW})
    assert "waits for the link to be opened" in text_of(client.get("/accounts/email/"))
    client.post("/accounts/email/", {"action_primary": "", "email": NEW})
    cast.owner.refresh_from_db()
    assert cast.owner.email != NEW
    client.post(link_in_mail())
    client.post("/accounts/email/", {"action_primary": "", "email": NEW})
    cast.owner.refresh_from_db()
    assert cast.owner.email == NEW
    assert "Latest trades" in text_of(sign_in(visitor(), NEW))


def test_one_session_is_ended_and_only_an_own_one(cast: Cast) -> None:
    here, there, elsewhere, neighbour = (visitor() for _ in range(4))
    users = (cast.owner, cast.owner, cast.owner, cast.colleague)
    for client, user in zip((here, there, elsewhere, neighbour), users, strict=True):
        sign_in(client, user.email)
    sessions = {session.session_key: session.pk for session in UserSession.objects.all()}
    urls = [f"/accounts/sessions/{sessions[client.session.session_key]}/end/" for client in (there, neighbour)]
    assert urls[0] in here.get("/accounts/sessions/").content.decode()
    assert here.get(urls[0]).status_code == 405
    assert here.post(urls[1]).status_code == 404
    assert Client().post(urls[0])["Location"].startswith("/accounts/login/")
    assert there.get("/").status_code == 200
    assert here.post(urls[0])["Location"] == "/accounts/sessions/"
    assert there.get("/")["Location"].startswith("/accounts/login/")
    assert here.get("/").status_code == elsewhere.get("/").status_code == neighbour.get("/").status_code == 200


def test_a_new_password_ends_the_other_sessions_and_is_told_by_mail(cast: Cast) -> None:
    here, there = visitor(), visitor()
    sign_in(here, cast.owner.email)
    sign_in(there, cast.owner.email)
    form = {"oldpassword": PASSWORD, "password1": "another long phrase", "password2": "another long phrase"}
    here.post("/accounts/password/change/", form)
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 302
    assert mail.outbox[-1].to == [cast.owner.email]


@pytest.mark.parametrize(
    "page", ["2fa/", "2fa/totp/activate/", "2fa/webauthn/add/", "2fa/recovery-codes/", "sessions/"]
)
def test_strangers_see_nobodys_account(page: str) -> None:
    assert Client().get(f"/accounts/{page}")["Location"].startswith("/accounts/login/")


def test_one_person_in_several_roles_and_clusters(cast: Cast) -> None:
    other = make_cast("beta")
    accountant = cast.owner
    add_app(accountant)
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=accountant, role="member", participant=cast.buyer)
    with scope(other.cluster.pk):
        Membership.objects.create(cluster=other.cluster, user=accountant, role="coordinator")
    client = signed_in(accountant)
    text = text_of(client.get("/"))
    for choice in (
        f"Cluster alfa · member · {cast.seller.name}",
        f"Cluster alfa · member · {cast.buyer.name}",
        "Cluster beta · coordinator",
    ):
        assert choice in text
    assert client.post("/access/", {"access": f"{other.cluster.pk}:coordinator:"})["Location"] == "/"
    people = client.get("/admin/participants/participant/").context["cl"].result_list
    assert {person.pk for person in people} == {other.seller.pk, other.buyer.pk}
    assert client.get("/energy/").status_code == 403
    client.post("/access/", {"access": f"{cast.cluster.pk}:member:{cast.buyer.pk}"})
    assert "What you drew · 0.300 kWh" in text_of(client.get("/"))
    assert client.get("/admin/", follow=True).status_code == 403
    with scope(cast.cluster.pk):
        Membership.objects.filter(user=accountant, participant=cast.buyer).delete()
    assert "What you fed in · 0.400 kWh" in text_of(client.get("/"))


def test_an_access_that_one_lacks_is_not_chosen(cast: Cast) -> None:
    other = make_cast("beta")
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=cast.owner, role="member", participant=cast.buyer)
    client = signed_in(cast.owner)
    client.post("/access/", {"access": f"{cast.cluster.pk}:member:{cast.buyer.pk}"})
    for wanted in (
        f"{other.cluster.pk}:member:{other.seller.pk}",
        f"{cast.cluster.pk}:member:{other.seller.pk}",
        f"{cast.cluster.pk}:coordinator:",
        f"{cast.cluster.pk}:operator:",
        f"{cast.cluster.pk}:dso:",
        f"{cast.cluster.pk}:member:",
    ):
        assert client.post("/access/", {"access": wanted}).status_code == 403
    assert "What you drew · 0.300 kWh" in text_of(client.get("/"))
    assert Client().post("/access/", {"access": "1:coordinator:"})["Location"].startswith("/accounts/login/")


def test_attempts_are_counted_in_redis(settings: Any) -> None:
    assert settings.CACHES["default"]["BACKEND"] == f"{RedisCache.__module__}.{RedisCache.__name__}"
