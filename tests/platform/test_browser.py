"""The pages in a real browser, where the content security policy is obeyed."""

from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

from tests.cast import PASSWORD, make_cast

pytestmark = pytest.mark.django_db(transaction=True)


def sign_in(browser: Any, address: str, email: str) -> None:
    browser.get(f"{address}/accounts/login/")
    browser.find_element(By.NAME, "login").send_keys(email)
    browser.find_element(By.NAME, "password").send_keys(PASSWORD)
    button = browser.find_element(By.CSS_SELECTOR, "main form [type=submit]")
    button.click()
    WebDriverWait(browser, 20).until(staleness_of(button))


def violations(browser: Any) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.mark.parametrize("who", ["owner", "coordinator"])
def test_signing_in_leads_to_a_page_without_errors(live_server: LiveServer, browser: Any, who: str) -> None:
    cast = make_cast("alfa")
    sign_in(browser, live_server.url, getattr(cast, who).email)
    assert "/accounts/" not in browser.current_url
    assert cast.cluster.name in browser.page_source
    assert violations(browser) == []
