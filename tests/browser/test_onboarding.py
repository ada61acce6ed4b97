"""Somebody finds the cluster, applies, is confirmed and admitted, in a real browser under the security policy."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from participants.models import Application, Membership
from participants.tenancy.scope import scope
from tests.browser.test_portal import PHONE, press, sign_in, switch_language
from tests.cast import make_cast, make_dso_user
from tests.onboarding.scenes import ADDRESS, PDF, POINT, PPE, WHO, add_rates, applicant

pytestmark = pytest.mark.django_db(transaction=True)

#: A phone widens its window to what sticks out, so that alone would not tell.
TOO_WIDE = "return document.documentElement.scrollWidth > Math.min(innerWidth, screen.width)"
#: Fields that no label names.
NAMELESS = """return [...document
    .querySelectorAll("main input:not([type=hidden], [type=submit]), main select, main textarea")]
    .filter((field) => !field.labels.length && !field.ariaLabel).map((field) => field.name)"""


def fill(browser: Any, values: dict[str, str]) -> None:
    for name, value in values.items():
        field = browser.find_element(By.CSS_SELECTOR, f"main [name={name}]")
        if field.tag_name == "select":
            Select(field).select_by_value(value)
        else:
            field.clear()
            field.send_keys(value)


def submit(browser: Any, selector: str = "main form .button:not(.second)[type=submit]") -> None:
    press(browser, browser.find_element(By.CSS_SELECTOR, selector))
    assert not browser.execute_script(TOO_WIDE), browser.current_url
    assert browser.execute_script(NAMELESS) == []


@pytest.mark.parametrize(("language", "phone"), [("en", False), ("pl", True)])
def test_from_the_public_page_to_membership(
    browser: Any, live_server: LiveServer, tmp_path: Path, language: str, phone: bool
) -> None:
    cast = make_cast("alfa")
    add_rates(cast)
    user, dso_user = applicant(), make_dso_user(cast.cluster.dso)
    if phone:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    bill = tmp_path / "bill.pdf"
    bill.write_bytes(PDF)

    sign_in(browser, live_server, user.email)
    switch_language(browser, language)
    browser.get(f"{live_server.url}/c/")
    press(browser, browser.find_element(By.CSS_SELECTOR, ".choices a"))
    press(browser, browser.find_element(By.CSS_SELECTOR, ".join .button"))
    submit(browser)
    fill(browser, {name: value for name, value in WHO.items() if value})
    submit(browser)
    fill(browser, {**ADDRESS, "iban": "PL62999999990000000000000901"})
    submit(browser)
    assert browser.find_elements(By.CSS_SELECTOR, ".errorlist")
    fill(browser, ADDRESS)
    submit(browser)
    fill(browser, POINT)
    submit(browser, "main [name=add]")
    assert PPE in browser.find_element(By.CSS_SELECTOR, ".entry").text
    submit(browser, "main .form-end .button")
    browser.find_element(By.NAME, "file").send_keys(str(bill))
    submit(browser, "main .form-end .button")
    submit(browser)
    assert browser.find_element(By.CSS_SELECTOR, ".stages [aria-current]").text in ("sent in", "wysłany")
    with scope(cast.cluster.pk):
        application = Application.objects.get()
    assert application.status == "submitted"

    as_somebody_else(browser, live_server, cast.coordinator.email, f"/admin/participants/application/{application.pk}/")
    submit(browser, ".review-step .default")
    as_somebody_else(browser, live_server, dso_user.email, "/dso/applications/")
    press(browser, browser.find_element(By.CSS_SELECTOR, "tbody a"))
    Select(browser.find_element(By.CSS_SELECTOR, "main [name^=node_]")).select_by_value("ST-1")
    day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)
    browser.execute_script(f"document.querySelector('main [name=start_day]').value = '{day}'")
    submit(browser)
    as_somebody_else(browser, live_server, cast.coordinator.email, f"/admin/participants/application/{application.pk}/")
    submit(browser, ".review-step .default")
    with scope(cast.cluster.pk):
        assert Membership.objects.get(user=user).participant.code == "P0003"
    told = [message.to[0] for message in mail.outbox]
    assert [told.count(who.email) for who in (user, cast.coordinator, dso_user)] == [4, 2, 1]

    as_somebody_else(browser, live_server, user.email, f"/c/alfa/applications/{application.pk}/")
    press(browser, browser.find_element(By.CSS_SELECTOR, "main .good .button"))
    assert browser.current_url.endswith("/contract/")
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def as_somebody_else(browser: Any, server: LiveServer, email: str, page: str) -> None:
    browser.delete_all_cookies()
    sign_in(browser, server, email)
    browser.get(f"{server.url}{page}")
