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
from contracts.models import Agreement, ExternalPrice, TariffRate
from metering.domain.calendar import local_midnight
from metering.domain.delivery import csv_lines
from metering.domain.readings import ReadingRow
from metering.models import Reading
from metering.services import ingest
from participants.models import Application
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope
from tests.browser.test_contract import form_to, tick_and_press
from tests.browser.test_onboarding import as_somebody_else, fill, submit
from tests.browser.test_portal import press, switch_language
from tests.cast import DAY, PASSWORD, Cast, make_cast, make_dso_user
from tests.onboarding.scenes import ADDRESS, POINT, PPE, WHO

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "new@example.org"


def test_from_sign_up_to_the_first_trade(browser: Any, live_server: LiveServer) -> None:
    cast = make_cast("alfa")
    dso_user = make_dso_user(cast.cluster.dso)
    TariffRate.objects.create(
        dso=cast.cluster.dso, group="G11", component="network_variable", zone="flat", unit="PLN/kWh",
        rate_net=Decimal("0.2464"), local_treatment="discounted", valid_from=DAY,
    )  # fmt: skip
    sign_up(browser, live_server)
    press(browser, browser.find_element(By.CSS_SELECTOR, "main .button[href='/c/']"))
    press(browser, browser.find_element(By.CSS_SELECTOR, ".choices a"))
    press(browser, browser.find_element(By.CSS_SELECTOR, ".join .button"))
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
    with scope(cast.cluster.pk):
        review = f"/admin/participants/application/{Application.objects.get().pk}/"

    as_somebody_else(browser, live_server, cast.coordinator.email, review)
    submit(browser, ".review-step .default")
    as_somebody_else(browser, live_server, dso_user.email, "/dso/applications/")
    press(browser, browser.find_element(By.CSS_SELECTOR, "tbody a"))
    Select(browser.find_element(By.CSS_SELECTOR, "main [name^=node_]")).select_by_value("ST-1")
    start = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)
    browser.execute_script(f"document.querySelector('main [name=start_day]').value = '{start}'")
    submit(browser)
    as_somebody_else(browser, live_server, cast.coordinator.email, review)
    submit(browser, ".review-step .default")

    as_somebody_else(browser, live_server, NEW, "/contract/")
    tick_and_press(browser, form_to(browser, "sign"))
    with scope(cast.cluster.pk):
        agreement = f"/admin/contracts/agreement/{Agreement.objects.get().pk}/"
    as_somebody_else(browser, live_server, cast.coordinator.email, agreement)
    tick_and_press(browser, form_to(browser, "countersign"))

    clear_noon(cast, start)
    as_somebody_else(browser, live_server, NEW, "/")
    switch_language(browser, "en")
    browser.get(f"{live_server.url}/trades/?day={start}")
    assert "Seller " in browser.find_element(By.TAG_NAME, "main").text
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def sign_up(browser: Any, server: LiveServer) -> None:
    """Through the link in the e-mail to the page of those who are in no cluster yet."""
    browser.get(f"{server.url}/accounts/login/")
    switch_language(browser, "en")
    press(browser, browser.find_element(By.CSS_SELECTOR, "main a[href*='/signup/']"))
    fill(browser, {"email": NEW, "password1": PASSWORD, "password2": PASSWORD})
    submit(browser, "main form [type=submit]")
    link = re.search(r"http://\S+/confirm-email/\S+", str(mail.outbox[-1].body))
    assert link
    browser.get(link[0])
    press(browser, browser.find_element(By.CSS_SELECTOR, "main button"))
    if "/login/" in browser.current_url:
        fill(browser, {"login": NEW, "password": PASSWORD})
        submit(browser, "main form [type=submit]")


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
    rows = [ReadingRow(code, noon, drawn, fed_in, "measured") for code, (drawn, fed_in) in flows.items()]
    now = noon + dt.timedelta(hours=1)
    assert ingest(cast.cluster, [csv_lines(rows)], issued_at=now, whole=True, now=now).accepted == 3
    assert clear_due(cast.cluster, now, noon).stored == 1
