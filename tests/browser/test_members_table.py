"""A table of members is taken in with the keyboard alone, where the security policy is obeyed."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import presence_of_element_located as present
from selenium.webdriver.support.ui import WebDriverWait

from participants.models import Change, Participant
from participants.tenancy.scope import scope
from tests.browser.test_portal import complaints, sign_in
from tests.cast import make_cast

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 30
HEAD = "id,kind,legal_form,name,email,street,postcode,city,country,nip,iban,vat_payer"
PERSON = "P0003,consumer,person,Third House,third@example.org,ul. Nowa 3,00-003,Trzystacje,PL,,,no"


def test_upload_preview_store_and_history(live_server: LiveServer, browser: Any, tmp_path: Path) -> None:
    cast = make_cast("alfa")
    file = tmp_path / "people.csv"
    file.write_text(f"{HEAD}\n{PERSON}\n")
    sign_in(browser, live_server, cast.coordinator.email)
    browser.get(f"{live_server.url}/admin/participants/participant/tables/")
    browser.find_element(By.NAME, "file").send_keys(str(file))
    browser.find_element(By.CSS_SELECTOR, ".submit-row input").send_keys(Keys.ENTER)
    store = WebDriverWait(browser, PATIENCE).until(present((By.CSS_SELECTOR, "#preview ~ form .submit-row input")))
    assert "P0003" in browser.find_element(By.ID, "content-main").text
    store.send_keys(Keys.ENTER)
    WebDriverWait(browser, PATIENCE).until(present((By.CSS_SELECTOR, ".messagelist .success")))
    with scope(cast.cluster.pk):
        stored = Participant.objects.get(code="P0003")
        assert Change.objects.get(table_name="participants_participant", row_id=stored.pk).user == cast.coordinator
    browser.get(f"{live_server.url}/admin/participants/participant/{stored.pk}/history/")
    assert cast.coordinator.email in browser.find_element(By.ID, "content-main").text
    assert "Third House" in browser.find_element(By.ID, "content-main").text
    assert complaints(browser) == []
