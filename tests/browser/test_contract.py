"""A contract is offered, read, signed by both and suspended in a real browser."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.by import By

from contracts.models import Agreement, Contract
from contracts.services import agreements
from participants.tenancy.scope import scope
from tests.browser.test_portal import PHONE, press, sign_in
from tests.cast import Cast, make_cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def tick_and_press(browser: Any, form: Any) -> None:
    to_the_middle(browser, form).find_element(By.NAME, "agreed").click()
    press(browser, form.find_element(By.CSS_SELECTOR, "button[type=submit]"))


def to_the_middle(browser: Any, form: Any) -> Any:
    """On a phone the bar of tabs covers what just scrolled in."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", form)
    return form


def form_to(browser: Any, end: str) -> Any:
    return browser.find_element(By.CSS_SELECTOR, f"form[action$='{end}/']")


def words(browser: Any) -> str:
    return browser.find_element(By.TAG_NAME, "main").text


def test_from_the_offer_to_both_signatures(browser: Any, live_server: LiveServer, cast: Cast) -> None:
    start = timezone.now().date() + dt.timedelta(days=10)
    with scope(cast.cluster.pk):
        Contract.objects.all().delete()
        number = cast.seller.pk
    sign_in(browser, live_server, cast.coordinator.email)
    browser.get(f"{live_server.url}/admin/contracts/agreement/add/")
    browser.find_element(By.CSS_SELECTOR, f"#id_participant option[value='{number}']").click()
    browser.find_element(By.CSS_SELECTOR, "#id_language option[value='en']").click()
    # What is typed into a field for days depends on the browser's language.
    browser.execute_script("arguments[0].value = arguments[1]", browser.find_element(By.ID, "id_start_day"), str(start))
    press(browser, browser.find_element(By.CSS_SELECTOR, ".submit-row input"))
    press(browser, form_to(browser, "offer").find_element(By.TAG_NAME, "button"))
    tick_and_press(browser, form_to(browser, "countersign"))
    assert "signed by the coordinator" in words(browser)

    browser.delete_all_cookies()
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    sign_in(browser, live_server, cast.owner.email)
    press(browser, browser.find_element(By.CSS_SELECTOR, ".to-sign a"))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= PHONE["width"]
    to_the_middle(browser, form_to(browser, "sign")).find_element(By.CSS_SELECTOR, "button[type=submit]").click()
    assert "Read it and sign" in words(browser), "the browser asks for the tick"
    tick_and_press(browser, form_to(browser, "sign"))
    assert "Signed by both, in force from" in words(browser)
    with scope(cast.cluster.pk):
        agreement = Agreement.objects.get()
        assert agreements.standing_of(agreement, timezone.now()).state == "signed"
        rows = Contract.objects.filter(participant=cast.seller).values_list("scheme", "valid_from", "valid_to")
        assert list(rows) == [("p2p", start, None)]
    assert [line for line in browser.get_log("browser") if line["level"] == "SEVERE"] == []
