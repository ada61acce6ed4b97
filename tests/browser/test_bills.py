"""A member reads a bill in a real browser, on a desk and on a phone."""

from typing import Any

import pytest
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.by import By

from billing.models import Bill
from billing.selectors.papers import batches_to_make
from billing.services.bills import BillDraft, issue
from billing.services.papers import make_papers
from participants.tenancy.scope import scope
from tests.billing.bills import FIRST
from tests.billing.paper_bills import producer, prosumer
from tests.browser.test_portal import CUT_OFF, PHONE, complaints, press, sign_in, switch_language, text
from tests.cast import NOON, Cast, make_cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cast() -> Cast:
    """The owner has two bills, the newest to be paid."""
    cast = make_cast("alfa")
    with scope(cast.cluster.pk):
        issue(cast.cluster, [BillDraft(each, cast.seller, FIRST) for each in (producer(), prosumer())], NOON)
        batches = batches_to_make(cast.cluster.pk)
    for batch in batches:
        make_papers(cast.cluster, batch, NOON)
    return cast


def test_home_leads_to_the_new_bill_and_is_quiet_afterwards(live_server: LiveServer, browser: Any, cast: Cast) -> None:
    browser.set_window_size(1440, 1400)
    sign_in(browser, live_server, cast.owner.email)
    press(browser, browser.find_element(By.CSS_SELECTOR, ".new-bill a"))
    assert "322.21" in text(browser) and "To pay by" in text(browser)
    assert browser.find_element(By.CSS_SELECTOR, ".bill-code svg").size["width"] > 120
    browser.get(live_server.url + reverse("home"))
    assert not browser.find_elements(By.CSS_SELECTOR, ".new-bill")
    assert complaints(browser) == []


@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("language", ["pl", "en"])
def test_the_pages_fit(live_server: LiveServer, browser: Any, cast: Cast, language: str, phone: bool) -> None:
    if phone:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    sign_in(browser, live_server, cast.owner.email)
    switch_language(browser, language)
    with scope(cast.cluster.pk):
        keys = list(Bill.objects.order_by("pk").values_list("pk", flat=True))
    for address in (reverse("bills"), *(reverse("bill", args=[key]) for key in keys)):
        browser.get(live_server.url + address)
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"), address
        assert browser.execute_script(CUT_OFF) == [], address
    assert complaints(browser) == []
