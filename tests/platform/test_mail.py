"""E-mails go through a real SMTP server, encrypted and signed in; one that is down or silent stops nobody for long."""

import datetime as dt
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import AuthResult, LoginPassword
from allauth.mfa.models import Authenticator
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client

from participants.models import User
from tests.cast import PASSWORD, make_user
from tests.pages.scenes import text_of

pytestmark = pytest.mark.django_db
USER, SECRET = "platform", "p@ss/word"
NEW = "new.neighbour@example.org"


class Postbox(Message):
    """Keeps what arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[Any] = []

    def handle_message(self, message: Any) -> None:
        self.letters.append(message)


class Post(Controller):
    """An SMTP server that takes letters only over TLS and from who signs in."""

    def __init__(self, certificate: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.postbox = Postbox()
        super().__init__(
            self.postbox, hostname="localhost", port=0, tls_context=context, require_starttls=True,
            authenticator=self.admit, auth_required=True,
        )  # fmt: skip

    @staticmethod
    def admit(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        known = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), SECRET.encode())
        return AuthResult(success=known, handled=False)

    def _trigger_server(self) -> None:
        """aiosmtpd takes no free port by itself: the number is known once the server listens."""
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "mail.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def post(certificate: Path) -> Iterator[Post]:
    server = Post(certificate)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def by_smtp(settings: Any) -> Any:
    """The settings that `EMAIL_URL=submission://…` gives, against a server of the test."""

    def use(port: int, password: str = SECRET) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", port
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = USER, password
        settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = True, False

    return use


def sign_up(language: str = "en") -> Any:
    form = {"email": NEW, "password1": PASSWORD, "password2": PASSWORD}
    return Client(headers={"Accept-Language": language}).post("/accounts/signup/", form, follow=True)


def test_the_link_arrives_encrypted(
    post: Post, by_smtp: Any, certificate: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEFAULT_FROM_EMAIL = "Klaster <klaster@example.org>"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    by_smtp(post.port)
    assert "Zajrzyj do skrzynki" in text_of(sign_up("pl"))
    (letter,) = post.postbox.letters
    assert (letter["To"], letter["From"]) == (NEW, "Klaster <klaster@example.org>")
    assert "/accounts/confirm-email/" in letter.get_payload(decode=True).decode()


def test_a_stranger_in_between_gets_nothing(post: Post, by_smtp: Any) -> None:
    by_smtp(post.port)
    answer = sign_up()
    assert answer.status_code == 503
    assert "The e-mail can't be sent now" in text_of(answer)
    assert post.postbox.letters == []


@pytest.mark.parametrize(("language", "said"), [("en", "Nothing was changed"), ("pl", "Nic się nie zmieniło")])
def test_with_the_server_down_nobody_is_half_signed_up(by_smtp: Any, language: str, said: str) -> None:
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
    by_smtp(port)
    answer = sign_up(language)
    assert answer.status_code == 503
    assert said in text_of(answer)
    assert not User.objects.filter(email=NEW).exists()


def test_a_wrong_password_of_the_mail_server_is_said_too(
    post: Post, by_smtp: Any, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    by_smtp(post.port, "another one")
    assert sign_up().status_code == 503
    assert post.postbox.letters == []


def test_a_silent_server_is_not_waited_for(by_smtp: Any, settings: Any) -> None:
    assert settings.EMAIL_TIMEOUT == 10
    settings.EMAIL_TIMEOUT = 0.5
    with socket.create_server(("localhost", 0)) as silent:
        by_smtp(silent.getsockname()[1])
        began = time.monotonic()
        assert sign_up().status_code == 503
    assert time.monotonic() - began < 5


def test_what_is_only_told_of_stays_done(by_smtp: Any) -> None:
    user = make_user("member@example.org", with_app=True)
    with socket.create_server(("localhost", 0)) as taken:
        by_smtp(taken.getsockname()[1])
    client = Client()
    client.force_login(user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.post("/accounts/2fa/totp/deactivate/").status_code == 302
    assert not Authenticator.objects.filter(user=user).exists()
