"""The coordinator changes a metering point from a day on, in a real browser: form, preview, history."""

import datetime as dt
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from metering.models import PointAssignment
from participants.tenancy.scope import scope
from tests.browser.test_portal import complaints, press, sign_in
from tests.cast import make_cast

pytestmark = pytest.mark.django_db(transaction=True)
DAY = dt.date(2026, 6, 10)


def test_somebody_moves_in_and_the_history_tells_it(live_server: LiveServer, browser: Any) -> None:
    cast = make_cast("alfa")
    sign_in(browser, live_server, cast.coordinator.email)
    browser.get(f"{live_server.url}/admin/metering/meteringpoint/{cast.buyer_point.pk}/change/")
    press(browser, browser.find_element(By.CSS_SELECTOR, ".object-tools a[href$='/life/']"))
    press(browser, browser.find_element(By.CSS_SELECTOR, "a[href='?what=move_in']"))
    browser.execute_script("document.querySelector('#id_day').value = arguments[0]", DAY.isoformat())
    browser.find_element(By.CSS_SELECTOR, ".select2-selection").click()
    search = WebDriverWait(browser, 10).until(lambda b: b.find_element(By.CSS_SELECTOR, ".select2-search__field"))
    search.send_keys("P0001")
    WebDriverWait(browser, 10).until(
        lambda b: (
            b.find_elements(By.CSS_SELECTOR, ".select2-results__option--highlighted")
            and "P0001" in b.find_element(By.CSS_SELECTOR, ".select2-results__option--highlighted").text
        )
    )
    search.send_keys(Keys.ENTER)
    Select(browser.find_element(By.ID, "id_phases")).select_by_value("1")
    press(browser, browser.find_element(By.CSS_SELECTOR, "#change ~ form [type=submit]"))
    new = browser.find_element(By.CSS_SELECTOR, "#preview ~ * tr.new:last-child")
    assert "P0001" in new.text
    press(browser, browser.find_element(By.NAME, "store"))
    rows = browser.find_elements(By.CSS_SELECTOR, ".point-spans tbody tr")
    assert [row.find_elements(By.TAG_NAME, "td")[1].text[:5] for row in rows] == ["P0002", "P0001"]
    assert complaints(browser) == []
    with scope(cast.cluster.pk):
        spans = PointAssignment.objects.filter(metering_point=cast.buyer_point).order_by("valid_from")
        assert [(row.participant_id, row.phases, row.valid_to) for row in spans] == [
            (cast.buyer.pk, 3, DAY), (cast.seller.pk, 1, None),
        ]  # fmt: skip
