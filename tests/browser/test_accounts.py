"""Signing up and in with passwords, codes and keys, in a real browser with a virtual authenticator."""

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

from participants.models import Membership
from participants.tenancy.scope import scope
from tests.browser.test_portal import PHONE, complaints, press, sign_in, switch_language, text, wait
from tests.cast import PASSWORD, Cast, app_code, make_cast

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN_SIGHT = """const box = arguments[0].getBoundingClientRect();
    return box.left >= 0 && box.right <= 390 && box.top >= 0 && box.bottom <= 844"""
ACCOUNT_PAGES = [
    "2fa/", "2fa/totp/activate/", "2fa/webauthn/add/", "2fa/webauthn/", "2fa/recovery-codes/",
    "2fa/recovery-codes/generate/", "sessions/", "password/change/", "email/", "reauthenticate/",
]  # fmt: skip


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def click(browser: Any, selector: str) -> None:
    press(browser, browser.find_element(By.CSS_SELECTOR, selector))


def fill(browser: Any, **fields: str) -> None:
    """Fills a form of the page and sends it off."""
    for name, value in fields.items():
        browser.find_element(By.NAME, name).send_keys(value)
    field = browser.find_element(By.NAME, next(iter(fields)))
    press(browser, field.find_element(By.XPATH, "ancestor::form//button[@type='submit']"))


def confirm_password(browser: Any) -> None:
    assert "/reauthenticate/" in browser.current_url
    fill(browser, password=PASSWORD)


def sign_out(browser: Any) -> None:
    browser.find_element(By.CSS_SELECTOR, ".menu summary").click()
    click(browser, ".menu [action='/accounts/logout/'] button")


def plug_in_authenticator(browser: Any, passkeys: bool, verifies: bool = True) -> None:
    options = VirtualAuthenticatorOptions(
        protocol=VirtualAuthenticatorOptions.Protocol.CTAP2,
        transport=VirtualAuthenticatorOptions.Transport.INTERNAL
        if passkeys
        else VirtualAuthenticatorOptions.Transport.USB,
        has_resident_key=passkeys,
        has_user_verification=passkeys,
        is_user_verified=verifies,
    )
    browser.add_virtual_authenticator(options)


@pytest.mark.parametrize(
    ("language", "explained"), [("en", "coordinator must admit you"), ("pl", "musi Cię przyjąć koordynator")]
)
def test_a_neighbour_signs_up(live_server: LiveServer, browser: Any, language: str, explained: str) -> None:
    browser.get(f"{live_server.url}/accounts/login/")
    switch_language(browser, language)
    click(browser, "main a[href*='/signup/']")
    fill(browser, email="new@example.org", password1=PASSWORD, password2=PASSWORD)
    link = re.search(r"http://\S+/confirm-email/\S+", str(mail.outbox[-1].body))
    assert link
    browser.get(link[0])
    click(browser, "main button")
    if "/login/" in browser.current_url:
        fill(browser, login="new@example.org", password=PASSWORD)
    assert explained in text(browser)
    assert complaints(browser) == []


def test_a_member_signs_in_with_a_passkey_alone(live_server: LiveServer, browser: Any, cast: Cast) -> None:
    plug_in_authenticator(browser, passkeys=True)
    sign_in(browser, live_server, cast.owner.email)
    browser.get(f"{live_server.url}/accounts/2fa/")
    click(browser, "main [href$='/webauthn/add/']")
    confirm_password(browser)
    click(browser, "#mfa_webauthn_add")
    assert "Unused codes: 10 of 10" in text(browser)
    sign_out(browser)
    click(browser, "#passkey_login")
    assert browser.current_url == f"{live_server.url}/"
    assert "Latest trades" in text(browser)
    assert complaints(browser) == []


def test_a_coordinator_sets_up_the_app_and_signs_in_with_its_code(
    live_server: LiveServer, browser: Any, cast: Cast
) -> None:
    Authenticator.objects.all().delete()
    sign_in(browser, live_server, cast.coordinator.email)
    assert "Your role needs a second factor" in text(browser)
    browser.get(f"{live_server.url}/admin/")
    assert browser.current_url == f"{live_server.url}/accounts/2fa/"
    click(browser, "main [href$='/totp/activate/']")
    confirm_password(browser)
    secret = browser.find_element(By.ID, "authenticator_secret").get_attribute("value")
    assert browser.execute_script("return document.querySelector('.qr').naturalWidth") > 0
    fill(browser, code=app_code(secret))
    codes = browser.find_element(By.ID, "recovery_codes").get_attribute("value").split()
    assert len(codes) == 10
    browser.get(f"{live_server.url}/admin/")
    assert browser.current_url == f"{live_server.url}/admin/"
    sign_out(browser)
    fill(browser, login=cast.coordinator.email, password=PASSWORD)
    fill(browser, code=app_code(secret))
    assert browser.current_url == f"{live_server.url}/admin/"
    sign_out(browser)
    fill(browser, login=cast.coordinator.email, password=PASSWORD)
    fill(browser, code=codes[0])
    assert browser.current_url == f"{live_server.url}/admin/"
    assert complaints(browser) == []


def test_a_coordinator_uses_a_security_key(live_server: LiveServer, browser: Any, cast: Cast) -> None:
    Authenticator.objects.all().delete()
    plug_in_authenticator(browser, passkeys=False)
    sign_in(browser, live_server, cast.coordinator.email)
    click(browser, "main [href$='/webauthn/add/']")
    confirm_password(browser)
    browser.find_element(By.NAME, "passwordless").click()
    name = browser.find_element(By.NAME, "name")
    name.clear()
    name.send_keys("Key ring\n")
    wait(browser, lambda: "/recovery-codes/" in browser.current_url)
    sign_out(browser)
    fill(browser, login=cast.coordinator.email, password=PASSWORD)
    click(browser, "#mfa_webauthn_authenticate")
    assert browser.current_url == f"{live_server.url}/admin/"
    browser.get(f"{live_server.url}/accounts/2fa/webauthn/")
    assert "Key ring" in text(browser)
    assert "Security key" in text(browser)
    assert complaints(browser) == []


def test_a_key_that_is_refused_is_said_in_words(live_server: LiveServer, browser: Any, cast: Cast) -> None:
    plug_in_authenticator(browser, passkeys=True, verifies=False)
    sign_in(browser, live_server, cast.owner.email)
    browser.get(f"{live_server.url}/accounts/2fa/webauthn/add/")
    confirm_password(browser)
    browser.execute_script("document.getElementById('mfa_webauthn_add').click()")
    wait(browser, lambda: "The key was not accepted" in text(browser))
    assert not Authenticator.objects.filter(user=cast.owner).exists()
    assert complaints(browser) == []


def test_sessions_elsewhere_are_ended(live_server: LiveServer, browser: Any, client: Any, cast: Cast) -> None:
    client.post("/accounts/login/", {"login": cast.owner.email, "password": PASSWORD})
    sign_in(browser, live_server, cast.owner.email)
    browser.get(f"{live_server.url}/accounts/sessions/")
    assert len(browser.find_elements(By.CSS_SELECTOR, ".sessions li")) == 2
    click(browser, ".sessions button")
    assert len(browser.find_elements(By.CSS_SELECTOR, ".sessions li")) == 1
    assert client.get("/")["Location"].startswith("/accounts/login/")
    client.post("/accounts/login/", {"login": cast.owner.email, "password": PASSWORD})
    browser.refresh()
    click(browser, "main form[action='/accounts/sessions/'] button")
    assert "signed in nowhere else" in text(browser)
    assert client.get("/")["Location"].startswith("/accounts/login/")
    assert complaints(browser) == []


def test_an_accountant_changes_between_members_and_clusters_by_keyboard(
    live_server: LiveServer, browser: Any, cast: Cast
) -> None:
    other = make_cast("beta")
    for cluster, member in ((cast.cluster, cast.buyer), (other.cluster, other.seller)):
        with scope(cluster.pk):
            Membership.objects.create(cluster=cluster, user=cast.owner, role="member", participant=member)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    sign_in(browser, live_server, cast.owner.email)
    for name, brand in ((cast.buyer.name, "Cluster alfa"), (other.seller.name, "Cluster beta")):
        summary = browser.find_element(By.CSS_SELECTOR, ".menu summary")
        summary.send_keys(Keys.ENTER)
        for _step in range(9):
            ActionChains(browser).send_keys(Keys.TAB).perform()
            if name in browser.switch_to.active_element.text:
                break
        assert browser.execute_script(WITHIN_SIGHT, browser.switch_to.active_element)
        browser.switch_to.active_element.send_keys(Keys.ENTER)
        wait(browser, lambda brand=brand: brand in browser.find_element(By.CSS_SELECTOR, ".brand").text)
        browser.find_element(By.CSS_SELECTOR, ".menu summary").click()
        assert name in browser.find_element(By.CSS_SELECTOR, ".menu [aria-current]").text
        browser.find_element(By.CSS_SELECTOR, ".menu summary").click()
    assert complaints(browser) == []


@pytest.mark.parametrize("width", [390, 1440])
def test_every_account_page_fits_in_both_languages(
    live_server: LiveServer, browser: Any, cast: Cast, width: int
) -> None:
    screen = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 900}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    for page in ("login/", "signup/", "password/reset/", "confirm-email/", "confirm-email/made:up/"):
        browser.get(f"{live_server.url}/accounts/{page}")
        for language in ("pl", "en"):
            switch_language(browser, language)
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width, page
    plug_in_authenticator(browser, passkeys=True)
    sign_in(browser, live_server, cast.owner.email)
    browser.get(f"{live_server.url}/accounts/2fa/webauthn/add/")
    confirm_password(browser)
    click(browser, "#mfa_webauthn_add")
    for page in ACCOUNT_PAGES:
        browser.get(f"{live_server.url}/accounts/{page}")
        for language in ("pl", "en"):
            switch_language(browser, language)
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width, page
    assert complaints(browser) == []
