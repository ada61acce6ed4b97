"""Relations of bulk tables hold as foreign keys do, though they are checked once per statement."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from clearing.models import ClearingRun
from metering.models import MeteringPoint, Reading
from participants.tenancy.ddl import tenant_models
from participants.tenancy.models import BulkTenantModel, TenantForeignKey
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours(db: None) -> Cast:
    return make_cast("ours")


def test_one_bad_link_among_many_refuses_the_statement(ours: Cast) -> None:
    theirs = make_cast("theirs")
    with scope(ours.cluster.pk):
        before = Reading.objects.count()
        rows = [
            Reading(
                cluster=ours.cluster, metering_point_id=point, interval_start=NOON, version=2, imported_wh=1,
                exported_wh=0, quality=1,
            )
            for point in (ours.buyer_point.pk, ours.seller_point.pk, theirs.buyer_point.pk)
        ]  # fmt: skip
        with pytest.raises(IntegrityError, match="not in the same cluster"), transaction.atomic():
            Reading.objects.bulk_create(rows)
        assert Reading.objects.count() == before
        Reading.objects.bulk_create(rows[:2])
        assert Reading.objects.count() == before + 2


def test_a_point_with_readings_is_not_deleted(ours: Cast) -> None:
    with scope(ours.cluster.pk):
        point = MeteringPoint.objects.create(cluster=ours.cluster, code="590000000000000037")
        Reading.objects.create(
            cluster=ours.cluster, metering_point=point, interval_start=NOON, version=1, imported_wh=1, exported_wh=0,
            quality=1,
        )  # fmt: skip
        for change in ("DELETE FROM metering_meteringpoint", "UPDATE metering_meteringpoint SET id = id + 1000000"):
            with (
                pytest.raises(IntegrityError, match="still named by metering_point_id of metering_reading"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(f"{change} WHERE id = %s", [point.pk])
        point.code = "590000000000000044"
        point.save()
        unused = MeteringPoint.objects.create(cluster=ours.cluster, code="590000000000000051")
        unused.delete()


def test_every_bulk_relation_is_tied_on_both_sides() -> None:
    bulk: list[type[Model]] = [model for model in tenant_models() if issubclass(model, BulkTenantModel)]
    names = {"Reading", "ReadingDay", "ReadingGap", "Position", "Trade", "StatementLine"}
    assert {model.__name__ for model in bulk} == names
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal")
        triggers = set(cursor.fetchall())
    for model in bulk:
        table = model._meta.db_table
        assert {(table, "tenant_links_insert"), (table, "tenant_links_update")} <= triggers
        for field in model._meta.local_fields:
            if isinstance(field, TenantForeignKey):
                target = field.related_model._meta.db_table
                ends = {(target, f"{table}_{field.column}_{event}") for event in ("deleted", "moved")}
                assert ends <= triggers
    assert ClearingRun._meta.db_table in {table for table, _ in triggers}
