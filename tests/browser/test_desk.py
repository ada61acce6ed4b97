"""The coordinator at the desk, in a real browser, where the security policy is obeyed."""

from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.by import By

from tests.browser.test_portal import complaints, sign_in
from tests.cast import make_cast

pytestmark = pytest.mark.django_db(transaction=True)
LISTS = "a[href^='/admin/']:not([href$='/add/'])"


def test_every_list_of_the_desk_and_its_first_row_open(live_server: LiveServer, browser: Any) -> None:
    sign_in(browser, live_server, make_cast("alfa").coordinator.email)
    assert browser.current_url == f"{live_server.url}/admin/"
    pages = {link.get_attribute("href") for link in browser.find_elements(By.CSS_SELECTOR, f"[class*=model-] {LISTS}")}
    assert len(pages) > 10
    opened = 0
    for page in sorted(pages):
        browser.get(page)
        # Of what there is one of, the list leads to that one.
        assert browser.find_elements(By.CSS_SELECTOR, "#changelist, .change-form #content form"), page
        rows = browser.find_elements(By.CSS_SELECTOR, "#result_list tbody th a")
        if rows:
            rows[0].click()
            assert browser.find_elements(By.CSS_SELECTOR, "#content form, #content .readonly"), page
            opened += 1
    assert opened > 5
    assert complaints(browser) == []
