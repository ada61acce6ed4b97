"""A member decides about the own data in a real browser, on a desk and on a phone."""

import io
import zipfile
from typing import Any

import pytest
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.by import By

from participants.models import Participant
from participants.services.consents import decide
from participants.tenancy.scope import scope
from tests.browser.test_portal import CUT_OFF, PHONE, complaints, press, sign_in, switch_language, text
from tests.cast import Cast, make_cast
from tests.pages.scenes import add_members, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cast() -> Cast:
    """Eight members, two of whom show their names, and a coordinator who looked at readings."""
    cast = make_cast("alfa")
    add_members(cast, 6)
    with scope(cast.cluster.pk):
        for participant in Participant.objects.filter(code__in=["M0000", "M0001"]):
            decide(participant, "directory_name", True, cast.owner)
        decide(participant, "directory_generation", True, cast.owner)
    coordinator = signed_in(cast.coordinator)
    coordinator.get(reverse("admin:metering_meteringpoint_change", args=[cast.seller_point.pk]))
    coordinator.get(reverse("admin:clearing_clearingrun_change", args=[cast.run.pk]))
    return cast


def button(browser: Any, words: str) -> Any:
    return browser.find_element(By.XPATH, f"//main//*[self::button or self::a][contains(., '{words}')]")


def test_a_member_consents_withdraws_and_asks_to_be_forgotten(
    live_server: LiveServer, browser: Any, cast: Cast
) -> None:
    browser.set_window_size(1200, 1400)
    sign_in(browser, live_server, cast.owner.email)
    browser.find_element(By.CSS_SELECTOR, ".menu summary").click()
    press(browser, browser.find_element(By.CSS_SELECTOR, ".menu a[href='/privacy/']"))
    assert "Neighbours see no more of you" in text(browser)
    assert "looked at a metering point" in text(browser)
    press(browser, button(browser, "Consent"))
    press(browser, button(browser, "To the directory"))
    assert cast.seller.name in text(browser)
    press(browser, button(browser, "Decide about yours"))
    press(browser, button(browser, "Withdraw"))
    assert "withdrawn on" in text(browser)
    press(browser, button(browser, "To the directory"))
    assert cast.seller.name not in text(browser)
    press(browser, button(browser, "Decide about yours"))
    browser.find_element(By.ID, "sure").click()
    press(browser, button(browser, "Ask to be forgotten"))
    assert "Requested on" in text(browser)
    assert complaints(browser) == []


def test_the_data_come_as_a_whole_archive_over_the_wire(live_server: LiveServer, browser: Any, cast: Cast) -> None:
    sign_in(browser, live_server, cast.owner.email)
    fetch = """const done = arguments[0];
        fetch("/privacy/data.zip").then((answer) => answer.arrayBuffer())
            .then((data) => done(Array.from(new Uint8Array(data))));"""
    with zipfile.ZipFile(io.BytesIO(bytes(browser.execute_async_script(fetch)))) as archive:
        assert archive.testzip() is None
        assert cast.seller_point.code in archive.read("readings.csv").decode()


@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("language", ["pl", "en"])
def test_the_pages_fit(live_server: LiveServer, browser: Any, cast: Cast, language: str, phone: bool) -> None:
    if phone:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    sign_in(browser, live_server, cast.owner.email)
    switch_language(browser, language)
    for page in ("/privacy/", "/cluster/"):
        browser.get(f"{live_server.url}{page}")
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert browser.execute_script(CUT_OFF) == []
    assert complaints(browser) == []
