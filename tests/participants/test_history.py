"""Every change of a tenant row is noted by the database: who, when, before and after; and stays as it was noted."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client

from contracts.models import ExternalPrice
from participants.api_keys import create_api_key
from participants.models import Change, Coordinator, Participant
from participants.tenancy.audit import erase_from_history
from participants.tenancy.ddl import tenant_models
from participants.tenancy.scope import acting_as, scope
from tests.cast import NOON, Cast, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def history(cast: Cast, row: Any) -> list[Change]:
    with scope(cast.cluster.pk):
        changes = Change.objects.filter(table_name=row._meta.db_table, row_id=row.pk).order_by("pk")
        return list(changes.select_related("user"))


def run_sql(sql: str, parameters: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def by_orm(row: Participant) -> None:
    row.name = "New Name"
    row.save()


def by_queryset(row: Participant) -> None:
    Participant.objects.filter(pk=row.pk).update(name="New Name")


def by_sql(row: Participant) -> None:
    run_sql("UPDATE participants_participant SET name = 'New Name' WHERE id = %s", [row.pk])


@pytest.mark.parametrize("change", [by_orm, by_queryset, by_sql])
def test_a_change_is_noted_however_it_is_made(cast: Cast, change: Callable[[Participant], None]) -> None:
    with acting_as(cast.coordinator.pk), scope(cast.cluster.pk):
        change(cast.buyer)
    created, changed = history(cast, cast.buyer)
    assert (created.operation, created.user, created.before) == ("insert", None, None)
    assert created.after["name"] == "Household P0002 of alfa"
    assert (changed.operation, changed.user) == ("update", cast.coordinator)
    assert (changed.before["name"], changed.after["name"]) == ("Household P0002 of alfa", "New Name")


def test_a_deleted_row_keeps_its_history(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        extra = Participant.objects.create(
            cluster=cast.cluster, code="P9", kind="consumer", legal_form="person", name="Gone", vat_payer=False
        )
    with acting_as(cast.coordinator.pk), scope(cast.cluster.pk):
        run_sql("DELETE FROM participants_participant WHERE id = %s", [extra.pk])
    created, deleted = history(cast, extra)
    assert (deleted.operation, deleted.user, deleted.after) == ("delete", cast.coordinator, None)
    assert deleted.before == created.after


def test_writing_the_same_again_is_no_change(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        cast.buyer.save()
    assert len(history(cast, cast.buyer)) == 1


def test_what_is_rolled_back_was_never_there(cast: Cast) -> None:
    with pytest.raises(ZeroDivisionError), scope(cast.cluster.pk):
        by_orm(cast.buyer)
        raise ZeroDivisionError
    assert len(history(cast, cast.buyer)) == 1


def test_many_rows_of_one_statement_are_noted_one_by_one(cast: Cast) -> None:
    with acting_as(cast.coordinator.pk), scope(cast.cluster.pk):
        Participant.objects.update(city="Trzystacje")
    for participant in (cast.seller, cast.buyer):
        assert history(cast, participant)[-1].after["city"] == "Trzystacje"


def test_the_user_is_the_one_who_acts_and_does_not_linger(cast: Cast) -> None:
    with acting_as(cast.owner.pk), scope(cast.cluster.pk):
        Participant.objects.filter(pk=cast.buyer.pk).update(city="One")
        with acting_as(None), scope(cast.cluster.pk):
            Participant.objects.filter(pk=cast.buyer.pk).update(city="Two")
        Participant.objects.filter(pk=cast.buyer.pk).update(city="Three")
    with scope(cast.cluster.pk):
        Participant.objects.filter(pk=cast.buyer.pk).update(city="Four")
    users = [(change.after["city"], change.user) for change in history(cast, cast.buyer)[1:]]
    assert users == [("One", cast.owner), ("Two", None), ("Three", cast.owner), ("Four", None)]


def test_a_request_names_its_user(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.coordinator)
    with scope(cast.cluster.pk):
        row = Coordinator.objects.get()
    page = client.get(f"/admin/participants/coordinator/{row.pk}/change/")
    fields = page.context["adminform"].form.initial | {"city": "Nowa"}
    assert client.post(f"/admin/participants/coordinator/{row.pk}/change/", fields).status_code == 302
    changed = history(cast, row)[-1]
    assert (changed.user, changed.after["city"]) == (cast.coordinator, "Nowa")


def test_secrets_are_left_out(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        key = create_api_key(cast.cluster, "meters")[1]
    (created,) = history(cast, key)
    assert created.after["name"] == "meters"
    assert "secret_sha256" not in created.after
    assert key.secret_sha256 not in str(created.after)


def test_prices_are_noted_and_results_are_not(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        price = ExternalPrice.objects.create(
            cluster=cast.cluster, interval_start=NOON, version=1, buy_pln_kwh=1, sell_pln_kwh=0
        )
    assert len(history(cast, price)) == 1
    assert history(cast, cast.run) == []


@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE participants_change SET user_id = NULL",
        "DELETE FROM participants_change",
        "TRUNCATE participants_change",
        "INSERT INTO participants_change (cluster_id, at, operation, table_name, row_id) SELECT %s, now(), 'x', 'x', 1",
        "ALTER TABLE participants_participant DISABLE TRIGGER note_update",
        "DROP TRIGGER note_update ON participants_participant",
        "CREATE OR REPLACE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "SET session_replication_role = replica",
    ],
)
def test_nobody_changes_the_history(cast: Cast, attempt: str) -> None:
    with scope(cast.cluster.pk):
        before = list(Change.objects.values())
        with pytest.raises(ProgrammingError), transaction.atomic():
            run_sql(attempt, [cast.cluster.pk] if "%s" in attempt else [])
        assert list(Change.objects.values()) == before


def test_another_clusters_history_is_invisible(cast: Cast) -> None:
    other = make_cast("beta")
    with scope(cast.cluster.pk):
        assert {change.cluster_id for change in Change.objects.all()} == {cast.cluster.pk}
        assert not Change.objects.filter(row_id=other.buyer.pk, table_name="participants_participant").exists()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM participants_change WHERE cluster_id = %s", [other.cluster.pk])
            assert cursor.fetchone() == (0,)


def test_personal_data_are_erased_from_the_history_of_ones_own_cluster_only(cast: Cast) -> None:
    other = make_cast("beta")
    with acting_as(cast.coordinator.pk), scope(cast.cluster.pk):
        by_orm(cast.buyer)
        assert erase_from_history(connection, "participants_participant", cast.buyer.pk, ["name", "email"]) == 2
        assert erase_from_history(connection, "participants_participant", other.buyer.pk, ["name", "email"]) == 0
    *noted, erased = history(cast, cast.buyer)
    assert "Household" not in str([(change.before, change.after) for change in noted])
    assert [change.after["code"] for change in noted] == ["P0002", "P0002"]
    assert (erased.operation, erased.user) == ("erase", cast.coordinator)
    assert history(other, other.buyer)[0].after["name"] == "Household P0002 of beta"


def test_every_audited_table_has_its_triggers() -> None:
    """Asked of PostgreSQL itself: new models get them without being asked for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, array_agg(t.tgname::text ORDER BY t.tgname), bool_and(t.tgenabled = 'O') "
            "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid "
            "WHERE p.proname = 'note_change' GROUP BY 1"
        )
        triggers = {name: (names, enabled) for name, names, enabled in cursor.fetchall()}
    audited = {model._meta.db_table for model in tenant_models() if model.audited}
    assert triggers == dict.fromkeys(audited, (["note_delete", "note_insert", "note_update"], True))
    changeable = {model._meta.label for model in tenant_models() if not (model.append_only or model.audited)}
    # How far work has come, and when a key was used: nothing that anybody decided.
    work = ("Delivery", "DeliveryBatch", "DeliveryChunk", "DeliveryDay", "DeliveryFault", "DayCheck", "ReadingGap")
    counters = {"clearing.IntervalState", "metering.IntervalInput", "metering.KeyUse"}
    counters.add("billing.NumberSeries")
    # The first two say when and by whom; the others are copies: of runs in force, of an audited file.
    told = {"billing.BillDelivery", "billing.EInvoice", "clearing.ExternalInvoiceLine", "clearing.ExternalLine"}
    assert changeable == counters | told | {f"metering.{name}" for name in work}
