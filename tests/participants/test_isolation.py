"""No cluster reads, counts, writes or links to another's rows: tried on every tenant model."""

import datetime as dt
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, models, transaction

from contracts.models import (
    Contract,
)
from metering.models import (
    GridNode,
    ReadingDay,
)
from participants.models import (
    Participant,
)
from participants.tenancy.ddl import POLICY, tenant_models
from participants.tenancy.models import TenantForeignKey
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast
from tests.participants.tenant_rows import NEW_ROWS, make_row

#: Models without a cluster, each with the reason.
SHARED = {
    "participants.Cluster": "the list of tenants itself: only what is public",
    "participants.Dso": "a distributor serves several clusters",
    "participants.User": "a person may act in several clusters",
    "participants.DsoUser": "links a person to a distributor",
    "participants.DsoKey": "opens a distributor's tariff books, no cluster",
    "billing.InterestRate": "a country's statutory rates",
    "contracts.TariffBook": "a distributor's tariff, one for all clusters on its grid",
    "contracts.TariffRate": "a distributor's published tariff",
    "contracts.TariffZone": "a distributor's published tariff",
    "contracts.MarketPrice": "published for everybody; what came from the exchange outranks a coordinator's file",
    "contracts.MonthlyMarketPrice": "published for all of the market",
    "account.EmailAddress": "belongs to a user",
    "account.EmailConfirmation": "belongs to a user",
    "mfa.Authenticator": "a user's second factor, whatever clusters they act in",
    "usersessions.UserSession": "a user's sign-in, before a cluster is chosen",
    "admin.LogEntry": "belongs to a user; shown to that user or beside an object in scope",
    "auth.Group": "Django's, unused for clusters",
    "auth.Permission": "Django's list of models",
    "contenttypes.ContentType": "Django's list of models",
    "sessions.Session": "before a cluster is chosen",
}


@pytest.fixture(scope="module")
def casts(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Cast, Cast]]:
    """Made once: every test is undone."""
    with django_db_blocker.unblock():
        made = make_cast("ours"), make_cast("theirs")
        connection.close()
    yield made
    with django_db_blocker.unblock():
        call_command("flush", verbosity=0, interactive=False)
        connection.close()


@pytest.fixture
def ours(casts: tuple[Cast, Cast], db: None) -> Cast:
    return deepcopy(casts[0])


@pytest.fixture
def theirs(casts: tuple[Cast, Cast], db: None) -> Cast:
    return deepcopy(casts[1])


def snapshot(model: type[models.Model], cast: Cast) -> list[tuple[Any, ...]]:
    with scope(cast.cluster.pk):
        return list(model._base_manager.order_by("pk").values_list())


def refused(error: type[Exception], action: Callable[[], Any]) -> None:
    with pytest.raises(error), transaction.atomic():
        action()


tenant_model = pytest.mark.parametrize("model", tenant_models(), ids=lambda m: m._meta.label)


def test_every_model_is_a_tenant_model_or_stands_in_the_list() -> None:
    shared = {model._meta.label for model in apps.get_models() if model not in tenant_models()}
    assert shared == set(SHARED)
    assert set(NEW_ROWS) == set(tenant_models())


@tenant_model
def test_theirs_are_neither_read_nor_counted(model: type[models.Model], ours: Cast, theirs: Cast) -> None:
    for cast in (ours, theirs):
        with scope(cast.cluster.pk):
            row = make_row(model, cast)
    table = connection.ops.quote_name(model._meta.db_table)
    with scope(ours.cluster.pk), connection.cursor() as cursor:
        assert set(model._base_manager.values_list("cluster_id", flat=True)) == {ours.cluster.pk}
        assert not model._base_manager.filter(pk=row.pk).exists()
        refused(model.DoesNotExist, lambda: model._base_manager.get(pk=row.pk))
        cursor.execute(f"SELECT count(*) FROM {table} WHERE cluster_id = %s", [theirs.cluster.pk])
        assert cursor.fetchone() == (0,)
        assert model._base_manager.count() == len(snapshot(model, ours))


@tenant_model
def test_theirs_are_not_changed(model: type[models.Model], ours: Cast, theirs: Cast) -> None:
    with scope(theirs.cluster.pk):
        row = make_row(model, theirs)
    before = snapshot(model, theirs)
    with scope(ours.cluster.pk):
        attempt_update = model._base_manager.filter(pk=row.pk).update
        attempt_delete = model._base_manager.filter(pk=row.pk)._raw_delete
        if model.append_only:
            refused(ProgrammingError, lambda: attempt_update(cluster=ours.cluster))
            refused(ProgrammingError, lambda: attempt_delete("default"))
        else:
            assert attempt_update(cluster=ours.cluster) == 0
            assert attempt_delete("default") == 0
    assert snapshot(model, theirs) == before


@tenant_model
def test_nothing_is_put_among_theirs(model: type[models.Model], ours: Cast, theirs: Cast) -> None:
    with scope(theirs.cluster.pk):
        fields = {"cluster": theirs.cluster, **NEW_ROWS[model](theirs)}
    expected = snapshot(model, theirs)
    with scope(ours.cluster.pk):
        refused(ProgrammingError, lambda: model._base_manager.create(**fields))
        refused(ProgrammingError, lambda: model._base_manager.bulk_create([model(**fields)]))
    assert snapshot(model, theirs) == expected


@pytest.mark.parametrize("model", [model for model in tenant_models() if not model.append_only])
def test_ours_are_not_given_away(model: type[models.Model], ours: Cast, theirs: Cast) -> None:
    with scope(ours.cluster.pk):
        row = make_row(model, ours)
        give_away = model._base_manager.filter(pk=row.pk).update
        refused(DatabaseError, lambda: give_away(cluster=theirs.cluster))


LINKS = [
    pytest.param(model, field, id=f"{model._meta.label}.{field.name}")
    for model in tenant_models()
    for field in model._meta.local_fields
    if isinstance(field, TenantForeignKey) and not model.written_by_triggers
]


@pytest.mark.parametrize(("model", "field"), LINKS)
def test_ours_do_not_link_to_theirs(
    model: type[models.Model], field: TenantForeignKey, ours: Cast, theirs: Cast
) -> None:
    with scope(theirs.cluster.pk):
        target = make_row(field.related_model, theirs)
    with scope(ours.cluster.pk):
        fields = NEW_ROWS[model](ours) | {field.name: target}
        if field.name == "replaces":
            fields["revision"] = 2
        # Daily sums are the database's own: the application may not even insert.
        error = ProgrammingError if model is ReadingDay else IntegrityError
        refused(error, lambda: model._base_manager.create(cluster=ours.cluster, **fields))


@tenant_model
def test_without_a_scope_every_access_is_an_error(model: type[models.Model], ours: Cast) -> None:
    with scope(ours.cluster.pk):
        make_row(model, ours)
    refused(DatabaseError, lambda: model._base_manager.count())
    refused(DatabaseError, lambda: model._base_manager.exists())
    refused(DatabaseError, lambda: model._base_manager.bulk_create([model(cluster=ours.cluster)]))


def test_a_scope_of_both_sees_both_and_ends(ours: Cast, theirs: Cast) -> None:
    with scope(ours.cluster.pk, theirs.cluster.pk):
        assert Participant.objects.count() == 4
        with scope(ours.cluster.pk):
            assert Participant.objects.count() == 2
        assert Participant.objects.count() == 4
        with pytest.raises(ZeroDivisionError), scope(theirs.cluster.pk):
            raise ZeroDivisionError
        assert Participant.objects.count() == 4
    refused(DatabaseError, Participant.objects.count)


@pytest.mark.parametrize(
    "statement_text",
    [
        "TRUNCATE metering_meteringpoint CASCADE",
        "ALTER TABLE metering_meteringpoint DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY all_rows ON metering_meteringpoint USING (true)",
        "DROP POLICY metering_meteringpoint_cluster ON metering_meteringpoint",
        "SELECT * FROM metering_reading_2026_06",
        "SET ROLE cluster_owner",
        "CREATE TABLE mine (id int)",
        "UPDATE clearing_clearingrun SET status = 'provisional'",
        "DELETE FROM metering_reading",
    ],
)
def test_the_application_role_cannot_lift_the_protection(statement_text: str, ours: Cast) -> None:
    def attempt() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement_text)

    with scope(ours.cluster.pk):
        refused(ProgrammingError, attempt)


def test_no_table_with_a_cluster_is_unprotected(ours: Cast) -> None:
    """Asked of PostgreSQL itself, partitions included: these have no policy and no grant, so nobody gets in."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, c.relispartition,
                   (SELECT array_agg(pg_get_expr(polqual, polrelid) || pg_get_expr(polwithcheck, polrelid))
                    FROM pg_policy WHERE polrelid = c.oid),
                   has_table_privilege(current_user, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'cluster_id'
            WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
            """
        )
        rows = cursor.fetchall()
    parents = {model._meta.db_table for model in tenant_models()}
    assert {name for name, _, is_partition, _, _ in rows if not is_partition} == parents
    for name, protected, is_partition, policies, granted in rows:
        assert protected, name
        if is_partition:
            assert policies is None and not granted, name
        else:
            assert policies is not None and len(policies) == 1, name
            assert policies[0].count("current_setting('app.clusters'") == 2, (name, POLICY)


def test_two_rows_of_one_thing_never_hold_on_the_same_day(ours: Cast) -> None:
    with scope(ours.cluster.pk):
        overlap = {"participant": ours.buyer, "scheme": "standard", "valid_from": dt.date(2026, 6, 1)}
        refused(IntegrityError, lambda: Contract.objects.create(cluster=ours.cluster, **overlap))


def test_the_grid_has_no_cycle_and_one_root(ours: Cast) -> None:
    with scope(ours.cluster.pk):
        root = GridNode.objects.get(level="cluster")
        station = GridNode.objects.get(level="station")
        refused(IntegrityError, lambda: GridNode.objects.filter(pk=root.pk).update(parent=station))
        refused(IntegrityError, lambda: GridNode.objects.create(cluster=ours.cluster, code="R2", level="cluster"))
