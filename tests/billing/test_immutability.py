"""What is issued or posted can be neither changed nor deleted: by SQL as the application's role, by the ORM, by the
admin's addresses, by the API. The owner of the tables is nobody who serves pages."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db import DatabaseError, connection, transaction
from django.db.models.deletion import ProtectedError
from django.test import Client
from django.utils import timezone

from billing.models import (
    Account,
    Bill,
    BillingPeriod,
    Document,
    DocumentLine,
    JournalEntry,
    NumberSeries,
    Posting,
    Statement,
    StatementLine,
)
from billing.services.closing import compute, continue_closing, start_closing
from participants.models import Participant, User
from participants.tenancy.scope import scope
from tests.billing.closing import JUNE, OVERRIDES, closing_cast, settle_the_rest
from tests.cast import Cast, add_app, make_cast, make_user

ISSUED: tuple[Any, ...] = (
    Bill, Document, DocumentLine, JournalEntry, Posting, Account, Statement, StatementLine,
)  # fmt: skip
#: One thing that somebody may wish to be different, for each.
WISHES = (
    "UPDATE billing_bill SET payable_pln = 0", "UPDATE billing_bill SET due_on = due_on + 30",
    "UPDATE billing_document SET net_pln = 0", "UPDATE billing_document SET number = 'FS/2026/99999'",
    "UPDATE billing_document SET buyer = '{}'", "UPDATE billing_documentline SET quantity = 0",
    "UPDATE billing_journalentry SET text = 'something else'", "UPDATE billing_posting SET amount_pln = 1",
    "UPDATE billing_account SET kind = 'bank'", "UPDATE billing_statement SET amount_exact_pln = 0",
    *(f"DELETE FROM {model._meta.db_table}" for model in ISSUED),
    *(f"TRUNCATE {model._meta.db_table} CASCADE" for model in ISSUED),
    "ALTER TABLE billing_posting DISABLE TRIGGER ALL", "DROP TABLE billing_bill CASCADE",
    "UPDATE billing_billpaper SET pdf = ''", "DELETE FROM billing_billpaper",
    "UPDATE billing_numberseries SET last = 0", "UPDATE billing_numberseries SET year = 2031",
    "DELETE FROM billing_numberseries",
    "UPDATE billing_billingperiod SET state = 'open'", "DELETE FROM billing_billingperiod",
)  # fmt: skip
pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    """June is closed."""
    made = closing_cast()
    settle_the_rest(made)
    now = timezone.now()
    compute(made.cluster, JUNE, now)
    start_closing(made.cluster, JUNE, now, OVERRIDES)
    assert continue_closing(made.cluster, JUNE, now)
    return made


def books(cast: Cast) -> list[list[tuple[Any, ...]]]:
    """All that is issued and posted, as it stands."""
    with scope(cast.cluster.pk):
        models = (*ISSUED, BillingPeriod, NumberSeries)
        return [list(model.objects.filter(cluster=cast.cluster).order_by("pk").values_list()) for model in models]


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_by_sql_as_the_application_s_role(cast: Cast) -> None:
    before = books(cast)
    assert all(before)
    for statement in WISHES:
        with (
            pytest.raises(DatabaseError, match=r"permission denied|must be owner|is closed|has given its numbers"),
            scope(cast.cluster.pk),
        ):
            run(statement)
    assert books(cast) == before


@pytest.mark.django_db(transaction=True)
def test_no_number_can_be_left_out(cast: Cast) -> None:
    before = books(cast)
    for statement in (
        "UPDATE billing_numberseries SET last = last + 1 WHERE series = 'FS'",
        "UPDATE billing_numberseries SET last = last + 3 WHERE series = 'R'",
        "INSERT INTO billing_numberseries (cluster_id, series, year, last) SELECT cluster_id, 'FS', 2099, 1 "
        "FROM billing_numberseries LIMIT 1",
    ):
        with pytest.raises(DatabaseError, match="would be left out"), scope(cast.cluster.pk):
            run(statement)
    assert books(cast) == before


def test_by_another_cluster_s_scope(cast: Cast) -> None:
    other = make_cast("shady-dale")
    before = books(cast)
    with pytest.raises(DatabaseError), scope(other.cluster.pk):
        run("UPDATE billing_bill SET payable_pln = 0")
    assert books(cast) == before


def test_by_the_orm(cast: Cast) -> None:
    before = books(cast)

    def refused(model: Any, act: Callable[[Any], object]) -> None:
        with pytest.raises((DatabaseError, ProtectedError)), scope(cast.cluster.pk):
            act(model.objects.filter(cluster=cast.cluster))

    for model in ISSUED:
        name = model._meta.fields[-1].name
        refused(model, lambda rows: rows.update(cluster=cast.cluster))
        refused(model, lambda rows: rows[0].save())
        refused(model, lambda rows: rows.delete())
        refused(model, lambda rows: rows._raw_delete(rows.db))
        refused(model, lambda rows, name=name: rows.bulk_update([rows[0]], [name]))
    assert books(cast) == before


def test_what_documents_hang_on_can_t_be_deleted(cast: Cast) -> None:
    before = books(cast)
    for rows in (Participant.objects.all(), BillingPeriod.objects.all()):
        with pytest.raises((DatabaseError, ProtectedError)), scope(cast.cluster.pk):
            rows.filter(cluster=cast.cluster).delete()
    assert books(cast) == before


def everybody(cast: Cast) -> list[User]:
    operator = make_user("operator@example.org")
    operator.is_staff = operator.is_superuser = True
    operator.save()
    add_app(operator)
    return [operator, cast.coordinator, cast.owner]


def test_by_the_admin_s_addresses(cast: Cast) -> None:
    """Even the operator finds no form: sent all the same, no address takes it."""
    before = books(cast)
    registered = {model for model in ISSUED if model in admin.site._registry}
    assert registered == {Statement}
    with scope(cast.cluster.pk):
        pks = {model: model.objects.filter(cluster=cast.cluster)[0].pk for model in ISSUED}
        wish = {
            "payable_pln": "0.00",
            "amount_exact_pln": "0",
            "number": "X",
            "post": "yes",
            "action": "delete_selected",
        }
    for user in everybody(cast):
        client = Client(headers={"Accept-Language": "en"})
        client.force_login(user)
        for model in ISSUED:
            base = f"/admin/billing/{model._meta.model_name}/"
            for page in ("", "add/", f"{pks[model]}/change/", f"{pks[model]}/delete/"):
                data = wish | {"_selected_action": str(pks[model])}
                # A list that offers no action answers with the list.
                allowed = (302, 403, 404) if page else (200, 302, 403, 404)
                assert client.post(base + page, data).status_code in allowed, base + page
        for method in ("post", "put", "patch", "delete"):
            for page in (
                f"documents/{pks[Document]}/",
                "documents/",
                "ledger/",
                f"ledger/{pks[Account]}/",
                "grid-fees/",
            ):
                # Where invoices of the distributor are noted, its form is shown again.
                allowed = (200, 302, 403, 405) if page == "grid-fees/" else (302, 403, 405)
                assert getattr(client, method)(f"/admin/{page}", wish).status_code in allowed, page
        closing = client.post("/admin/periods/2026-06/", {"what": "close", "reason_external": "again"}, follow=True)
        assert closing.status_code in (200, 403)
        client.post("/admin/periods/2026-06/", {"what": "compute"})
        client.post("/admin/bill-corrections/", {"what": "issue", "key": "1:2026-06:1", "reason": "x"})
        assert books(cast) == before


def test_by_a_member_s_pages_and_the_api(cast: Cast) -> None:
    before = books(cast)
    client = Client()
    client.force_login(cast.owner)
    with scope(cast.cluster.pk):
        bill = Bill.objects.filter(participant=cast.seller)[0].pk
    pages = [
        f"/bills/{bill}/",
        f"/bills/{bill}.pdf",
        "/bills/",
        "/bills/account/",
        "/api/v1/grid-fees/sunny-hill/2026-06",
    ]
    for method in ("post", "put", "patch", "delete"):
        for page in pages:
            assert getattr(client, method)(page).status_code in (401, 403, 405), page
    assert books(cast) == before
