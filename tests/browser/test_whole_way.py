"""The whole way of a household: sign up, verify the address, apply, be admitted, sign, and trade for the first time."""

import datetime as dt
import re
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from clearing.services import clear_due
from contracts.models import Agreement, ExternalPrice
from metering.domain.calendar import format_instant, local_midnight
from metering.models import Reading
from metering.services import ingest
from participants.models import Application
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope
from tests.browser.test_contract import form_to, tick_and_press
from tests.browser.test_onboarding import TOO_WIDE, fill, submit
from tests.browser.test_portal import PHONE, press, sign_in, switch_language
from tests.cast import PASSWORD, Cast, make_cast, make_dso_user
from tests.onboarding.scenes import ADDRESS, POINT, PPE, WHO
from tests.tariff import publish

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "new@example.org"


class Desk:
    """One browser, at which one person after another sits down; who comes back is still signed in."""

    def __init__(self, browser: Any, server: LiveServer, language: str) -> None:
        self.browser, self.server, self.language = browser, server, language
        self.left: dict[str, list[dict[str, Any]]] = {}
        self.now = ""

    def sit_down(self, email: str, page: str) -> None:
        """Each signs in once, so nobody waits for the next code of an authenticator app."""
        self.left[self.now] = self.browser.get_cookies()
        self.browser.delete_all_cookies()
        self.now = email
        if email in self.left:
            for cookie in self.left[email]:
                self.browser.add_cookie(cookie)
        else:
            sign_in(self.browser, self.server, email)
            switch_language(self.browser, self.language)
        self.open(page)

    def open(self, page: str) -> None:
        self.browser.get(f"{self.server.url}{page}")
        self.check()

    def check(self) -> None:
        assert self.browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == self.language
        assert not self.browser.execute_script(TOO_WIDE), self.browser.current_url

    def press(self, selector: str) -> None:
        press(self.browser, self.browser.find_element(By.CSS_SELECTOR, selector))
        self.check()


@pytest.mark.parametrize(
    ("language", "phone", "neighbour"),
    [("en", False, "Seller "), ("pl", True, "Sprzedający ")],
    ids=["en-wide", "pl-phone"],
)
def test_from_sign_up_to_the_first_trade(
    browser: Any, live_server: LiveServer, language: str, phone: bool, neighbour: str
) -> None:
    cast = make_cast("alfa")
    dso_user = make_dso_user(cast.cluster.dso)
    rate = {"group": "G11", "component": "network_variable", "zone": "flat", "rate_net": Decimal("0.2464")}
    publish(cast.cluster.dso, [rate | {"local_treatment": "discounted"}])
    if phone:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    desk = Desk(browser, live_server, language)
    sign_up(desk)
    apply(desk)
    with scope(cast.cluster.pk):
        review = f"/admin/participants/application/{Application.objects.get().pk}/"

    desk.sit_down(cast.coordinator.email, review)
    submit(browser, ".review-step .default")
    desk.sit_down(dso_user.email, "/dso/applications/")
    desk.press("tbody a")
    Select(browser.find_element(By.CSS_SELECTOR, "main [name^=node_]")).select_by_value("ST-1")
    start = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)
    browser.execute_script(f"document.querySelector('main [name=start_day]').value = '{start}'")
    submit(browser)
    desk.sit_down(cast.coordinator.email, review)
    submit(browser, ".review-step .default")

    desk.sit_down(NEW, "/contract/")
    tick_and_press(browser, form_to(browser, "sign"))
    with scope(cast.cluster.pk):
        agreement = f"/admin/contracts/agreement/{Agreement.objects.get().pk}/"
    desk.sit_down(cast.coordinator.email, agreement)
    tick_and_press(browser, form_to(browser, "countersign"))

    clear_noon(cast, start)
    desk.sit_down(NEW, f"/trades/?day={start}")
    assert neighbour in browser.find_element(By.TAG_NAME, "main").text
    desk.open("/")
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def sign_up(desk: Desk) -> None:
    """Through the link in the e-mail to the page of those who are in no cluster yet."""
    browser = desk.browser
    browser.get(f"{desk.server.url}/accounts/login/")
    switch_language(browser, desk.language)
    desk.press("main a[href*='/signup/']")
    fill(browser, {"email": NEW, "password1": PASSWORD, "password2": PASSWORD})
    submit(browser, "main form [type=submit]")
    link = re.search(r"http://\S+/confirm-email/\S+", str(mail.outbox[-1].body))
    assert link
    browser.get(link[0])
    desk.press("main button")
    if "/login/" in browser.current_url:
        fill(browser, {"login": NEW, "password": PASSWORD})
        submit(browser, "main form [type=submit]")
    desk.now = NEW


def apply(desk: Desk) -> None:
    """From the list of clusters to the application that was sent in."""
    browser = desk.browser
    desk.press("main .button[href='/c/']")
    desk.press(".choices a")
    desk.press(".join .button")
    submit(browser)
    fill(browser, {name: value for name, value in (WHO | {"email": NEW}).items() if value})
    submit(browser)
    fill(browser, ADDRESS)
    submit(browser)
    fill(browser, POINT)
    submit(browser, "main [name=add]")
    submit(browser, "main .form-end .button")
    submit(browser, "main .form-end .button")
    submit(browser)


def clear_noon(cast: Cast, day: dt.date) -> None:
    """At noon of the first day the owner feeds in, the colleague and the new member draw."""
    noon = local_midnight(day, ZoneInfo("Europe/Warsaw")) + dt.timedelta(hours=12)
    flows = {cast.seller_point.code: (0, 900), cast.buyer_point.code: (300, 0), PPE: (200, 0)}
    with scope(cast.cluster.pk):
        ensure_month_partitions(Reading._meta.db_table, noon, noon)
        ExternalPrice.objects.create(
            cluster=cast.cluster,
            interval_start=noon,
            version=1,
            buy_pln_kwh=Decimal("0.5"),
            sell_pln_kwh=Decimal("0.3"),
        )
    start = format_instant(noon)
    lines = "".join(f"{code},{start},{drawn},{fed_in},measured\n" for code, (drawn, fed_in) in flows.items())
    now = noon + dt.timedelta(hours=1)
    assert ingest(cast.cluster, [lines.encode()], issued_at=now, whole=True, now=now).accepted == 3
    assert clear_due(cast.cluster, now, noon).stored == 1
