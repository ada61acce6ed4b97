"""A member reads the portal in a real browser, where the security policy is obeyed."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

from metering.domain.calendar import interval_of
from participants.tenancy.scope import scope
from tests.cast import NOON, PASSWORD, Cast, app_code, make_cast, make_dso_user
from tests.pages.scenes import bill, settle

pytestmark = pytest.mark.django_db(transaction=True)


PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
#: Tables that could not show their last column without scrolling.
CUT_OFF = """return [...document.querySelectorAll(".wide")]
    .filter((box) => !box.closest("details") && box.scrollWidth > box.clientWidth).map((box) => box.innerText)"""
#: Fetches the live parts, and answers whether the plot is still the same one.
REFRESHED = """const done = arguments[0];
    refresh().then(() => done(document.querySelector("#day-plot figure").dataset.kept ?? null));"""


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def sign_in(browser: Any, server: LiveServer, email: str, password: str = PASSWORD) -> None:
    browser.get(f"{server.url}/accounts/login/")
    switch_language(browser, "en")
    browser.find_element(By.NAME, "login").send_keys(email)
    browser.find_element(By.NAME, "password").send_keys(password)
    press(browser, browser.find_element(By.CSS_SELECTOR, "main form [type=submit]"))
    while fields := browser.find_elements(By.NAME, "code"):
        fields[0].clear()
        fields[0].send_keys(app_code())
        press(browser, browser.find_element(By.CSS_SELECTOR, "main form [type=submit]"))
        if browser.find_elements(By.NAME, "code"):
            time.sleep(30 - time.time() % 30)  # Each code opens the door once: the next one comes.


def switch_language(browser: Any, language: str) -> None:
    press(browser, browser.find_element(By.CSS_SELECTOR, f".language [value={language}]"))
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == language


def press(browser: Any, button: Any) -> None:
    """Clicks what leads to another page, and waits for that page."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()
    # While the page changes, the driver may know the button no more without calling it stale.
    WebDriverWait(browser, 20, ignored_exceptions=[WebDriverException]).until(staleness_of(button))
    wait(browser, lambda: browser.execute_script("return document.readyState") == "complete")


def wait(browser: Any, condition: Callable[[], object]) -> None:
    patient = WebDriverWait(browser, 10, ignored_exceptions=[StaleElementReferenceException])
    patient.until(lambda _browser: condition())


def text(browser: Any) -> str:
    return browser.find_element(By.TAG_NAME, "main").text


def complaints(browser: Any) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def test_a_member_reads_every_page_in_both_languages(live_server: LiveServer, browser: Any, cast: Cast) -> None:
    with scope(cast.cluster.pk):
        bill(cast, cast.seller)
    sign_in(browser, live_server, cast.owner.email)
    assert "Saved in June 2026" in text(browser)
    assert "3.25" in text(browser)
    switch_language(browser, "pl")
    assert "Oszczędność za czerwiec 2026" in text(browser)
    assert "3,25" in text(browser)
    for number in range(1, 5):
        press(browser, browser.find_elements(By.CSS_SELECTOR, ".tabs a")[number])
        assert current_tab(browser) == number
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert complaints(browser) == []


def current_tab(browser: Any) -> int:
    tabs = browser.find_elements(By.CSS_SELECTOR, ".tabs a")
    return [tab.get_attribute("aria-current") for tab in tabs].index("page")


def test_a_wrong_password_is_refused(live_server: LiveServer, browser: Any, cast: Cast) -> None:
    sign_in(browser, live_server, cast.owner.email, "not this one")
    assert "not correct" in text(browser)
    assert "/accounts/login/" in browser.current_url
    assert complaints(browser) == []


def test_a_bar_tells_its_numbers(live_server: LiveServer, browser: Any, cast: Cast) -> None:
    sign_in(browser, live_server, cast.owner.email)
    noon = browser.find_elements(By.CSS_SELECTOR, "[data-plot] [data-label]")[48]
    ActionChains(browser).move_to_element(noon).perform()
    readout = browser.find_element(By.CSS_SELECTOR, "[data-readout]")
    assert readout.text.replace("\xa0", " ") == "12:00–12:15: to neighbours 0.300 kWh, sold outside 0.100 kWh"


def test_the_theme_is_switched_and_kept(live_server: LiveServer, browser: Any, cast: Cast) -> None:
    sign_in(browser, live_server, cast.owner.email)
    page = "return getComputedStyle(document.body).backgroundColor"
    before = browser.execute_script(page)
    browser.find_element(By.CSS_SELECTOR, "[data-theme-switch]").click()
    switched = browser.execute_script(page)
    assert switched != before
    browser.get(f"{live_server.url}/trades/")
    assert browser.execute_script(page) == switched
    assert complaints(browser) == []


def test_home_renews_itself(live_server: LiveServer, browser: Any, cast: Cast) -> None:
    sign_in(browser, live_server, cast.owner.email)
    assert "0.300" in browser.find_element(By.ID, "latest-trades").text
    browser.execute_script("document.querySelector('#day-plot details').open = true")
    browser.execute_script("document.querySelector('#day-plot figure').dataset.kept = 'yes'")
    assert browser.execute_async_script(REFRESHED) == "yes"
    with scope(cast.cluster.pk):
        settle(cast, NOON, {cast.seller_point: 700}, {cast.buyer_point: 600}, revision=2)
    assert browser.execute_async_script(REFRESHED) is None
    assert "0.600" in browser.find_element(By.ID, "latest-trades").text
    assert "0.600" in browser.find_element(By.CSS_SELECTOR, "#day-plot table").text
    assert complaints(browser) == []


def test_a_phone_shows_everything_in_one_column(live_server: LiveServer, browser: Any, cast: Cast) -> None:
    started = interval_of(timezone.now())
    with scope(cast.cluster.pk):
        bill(cast, cast.seller)
        settle(cast, started, {cast.seller_point: 23_456}, {cast.buyer_point: 23_456})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    sign_in(browser, live_server, cast.owner.email)
    switch_language(browser, "pl")
    for page in ("/", "/energy/", "/trades/", "/money/", "/cluster/"):
        browser.get(f"{live_server.url}{page}")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        assert browser.execute_script(CUT_OFF) == []
        tabs = browser.find_element(By.CSS_SELECTOR, ".tabs").rect
        assert tabs["y"] + tabs["height"] == pytest.approx(844, abs=1)
    assert complaints(browser) == []


def test_a_phone_shows_the_distributors_page(live_server: LiveServer, browser: Any, cast: Cast) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    sign_in(browser, live_server, make_dso_user(cast.cluster.dso).email)
    browser.get(f"{live_server.url}/dso/?month=2026-06&day=2026-06-11")
    assert cast.seller_point.code in text(browser)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    assert complaints(browser) == []


def test_the_keyboard_reaches_the_content_first(live_server: LiveServer, browser: Any, cast: Cast) -> None:
    sign_in(browser, live_server, cast.owner.email)
    browser.get(f"{live_server.url}/energy/")
    browser.execute_script("document.querySelector('.skip').focus()")
    assert browser.execute_script("return document.querySelector('.skip').getBoundingClientRect().top") >= 0
    browser.find_element(By.CSS_SELECTOR, ".skip").click()
    assert browser.execute_script("return document.activeElement.id") == "main"
