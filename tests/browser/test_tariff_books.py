"""A distributor's book from a broken file to the day it holds, in a real browser that obeys the security policy."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.by import By

from contracts.models import TariffBook
from tests.browser.test_portal import PHONE, complaints, press, sign_in, switch_language
from tests.cast import make_cast, make_dso_user
from tests.pages.test_tariff_books import FIRST, NEXT, ZONES, year

pytestmark = pytest.mark.django_db(transaction=True)


def test_from_a_broken_file_to_a_book_that_holds(live_server: LiveServer, browser: Any, tmp_path: Path) -> None:
    cast = make_cast("alfa")
    user = make_dso_user(cast.cluster.dso)
    sign_in(browser, live_server, user.email)
    browser.get(f"{live_server.url}/dso/")
    press(browser, browser.find_element(By.CSS_SELECTOR, ".tabs [href='/dso/tariffs/']"))
    assert "No book holds today" in text(browser)
    send(browser, tmp_path, year(FIRST).replace("0.2841", "o.2841"))
    assert "1 mistake in the files; nothing was stored" in text(browser)
    row = browser.find_element(By.CSS_SELECTOR, "[aria-labelledby=faults] tbody tr").text
    assert row == "tariff.csv 5 rate_net 'o.2841' is not a decimal number such as 0.25"
    assert not TariffBook.objects.exists()
    send(browser, tmp_path, year(FIRST))
    assert "Draft: nothing is wrong with it" in text(browser)
    assert "111.40" in text(browser)
    publish = browser.find_element(By.NAME, "publish")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", publish)
    press(browser, publish)
    assert "The book is published." in text(browser)
    assert f"Holds from 1 January {FIRST.year} on" in text(browser)
    # The next year's book asks to confirm what is unlikely.
    browser.get(f"{live_server.url}/dso/tariffs/")
    assert "in force" in text(browser)
    send(browser, tmp_path, year(NEXT).replace("0.2464", "0.4464"))
    assert "Draft: 1 point to confirm" in text(browser) and "+81 %; check it" in text(browser)
    press(browser, browser.find_element(By.NAME, "publish"))
    assert "This field is required." in text(browser)
    browser.execute_script("document.getElementsByName('confirmed')[0].scrollIntoView({block: 'center'})")
    browser.find_element(By.NAME, "confirmed").click()
    press(browser, browser.find_element(By.NAME, "publish"))
    assert f"Holds from 1 January {NEXT.year} on" in text(browser)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    browser.get(f"{live_server.url}/dso/tariffs/1/calendar/C13/")
    switch_language(browser, "pl")
    week = browser.find_element(By.CSS_SELECTOR, "table.week")
    assert week.size["width"] <= 390 and "Poniedziałek".casefold() in week.text.casefold()
    assert browser.execute_script("return document.documentElement.scrollWidth") == 390
    assert complaints(browser) == []


def send(browser: Any, folder: Path, tariff: str) -> None:
    """Uploads both files of a book."""
    for name, data in (("tariff.csv", tariff), ("tariff_zones.csv", ZONES)):
        (folder / name).write_text(data)
    paths = [str(folder / name) for name in ("tariff.csv", "tariff_zones.csv")]
    browser.find_element(By.NAME, "book").send_keys("\n".join(paths))
    press(browser, browser.find_element(By.CSS_SELECTOR, ".upload button"))


def text(browser: Any) -> str:
    found: str = browser.find_element(By.ID, "main").text
    return found.replace("\N{NO-BREAK SPACE}", " ")
