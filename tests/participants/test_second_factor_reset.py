"""An operator lets somebody back in who has lost phone, key and recovery codes."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from participants.models import User
from tests.cast import PASSWORD, Cast, app_code, make_cast, make_user
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
REASON = "called back at the number in the contract"


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


@pytest.fixture
def operator() -> User:
    return make_user("operator@example.org", is_staff=True, is_superuser=True)


def page_of(user: User) -> str:
    return f"/admin/participants/user/{user.pk}/second-factor/"


def enter(user: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    client.post("/accounts/2fa/authenticate/", {"code": app_code()})
    assert client.get("/admin/").status_code == 200
    return client


def test_the_operator_removes_a_lost_second_factor(
    cast: Cast, operator: User, django_capture_on_commit_callbacks: Any
) -> None:
    lost = cast.coordinator
    RecoveryCodes.activate(lost)
    User.objects.filter(pk=lost.pk).update(language="pl")
    thief = enter(lost)
    client = signed_in(operator)
    shown = client.get(f"/admin/participants/user/{lost.pk}/change/")
    assert "authenticator app, recovery codes" in text_of(shown)
    assert page_of(lost) in shown.content.decode()
    assert "authenticator app, recovery codes" in text_of(client.get(page_of(lost)))

    assert "This field is required" in text_of(client.post(page_of(lost), {"reason": " "}))
    assert Authenticator.objects.filter(user=lost).count() == 2
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(page_of(lost), {"reason": REASON}, follow=True)
    assert f"The second factor of {lost.email} is removed" in text_of(answer)
    assert not Authenticator.objects.filter(user=lost).exists()
    assert thief.get("/admin/")["Location"].startswith("/admin/login/")

    told = mail.outbox[-1]
    assert told.to == [lost.email]
    assert told.subject == "Usunięto Twój drugi składnik"
    assert "/accounts/2fa/" in told.body
    noted = LogEntry.objects.get(object_id=str(lost.pk))
    assert (noted.user, noted.change_message) == (operator, f"Second factor removed: {REASON}")
    assert REASON in text_of(client.get(f"/admin/participants/user/{lost.pk}/history/"))

    back = Client()
    back.post("/accounts/login/", {"login": lost.email, "password": PASSWORD})
    assert back.get("/admin/")["Location"] == "/accounts/2fa/"


def test_nobody_else_removes_one_and_nobody_the_own(cast: Cast, operator: User) -> None:
    for user in (cast.owner, cast.coordinator):
        client = signed_in(user)
        for answer in (client.get(page_of(operator)), client.post(page_of(operator), {"reason": REASON})):
            assert answer.status_code in (302, 403)
    assert Client().post(page_of(operator), {"reason": REASON})["Location"].startswith("/admin/login/")
    answer = signed_in(operator).post(page_of(operator), {"reason": REASON}, follow=True)
    assert "Change your own under" in text_of(answer)
    assert Authenticator.objects.filter(user=operator).exists()
    assert not LogEntry.objects.exists()


def test_the_command_lets_the_only_operator_back_in(
    cast: Cast, operator: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("reset_second_factor", operator.email, by=operator.email, reason=REASON)
    assert "1 second factors removed" in capsys.readouterr().out
    assert not Authenticator.objects.filter(user=operator).exists()
    assert LogEntry.objects.get().user == operator
    for email, by in ((cast.owner.email, cast.coordinator.email), ("nobody@example.org", operator.email)):
        with pytest.raises(CommandError):
            call_command("reset_second_factor", email, by=by, reason=REASON)
    assert Authenticator.objects.filter(user=cast.coordinator).exists()
