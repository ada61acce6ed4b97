"""What the database itself holds of agreements: nothing is changed, and only what follows is added."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from contracts.models import Agreement, AgreementDocument, AgreementEvent, AgreementSignature, AgreementTemplate
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast
from tests.contracts.agreement_scenes import TODAY, offered, sign_both


@pytest.mark.parametrize("model", [Agreement, AgreementDocument, AgreementSignature, AgreementEvent, AgreementTemplate])
def test_what_was_agreed_can_neither_be_changed_nor_deleted(model: type[models.Model], cast: Cast) -> None:
    with scope(cast.cluster.pk):
        sign_both(offered(cast), cast)
        row = model._base_manager.first()
        table, before = model._meta.db_table, list(model._base_manager.order_by("pk").values_list())
        for attempt in (
            row.save,
            row.delete,
            lambda: model._base_manager.update(cluster=cast.cluster),
            lambda: sql(f"UPDATE {table} SET cluster_id = cluster_id"),
            lambda: sql(f"DELETE FROM {table}"),
            lambda: sql(f"TRUNCATE {table} CASCADE"),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                attempt()
        assert list(model._base_manager.order_by("pk").values_list()) == before


def test_the_database_takes_only_events_of_the_table_that_follow_each_other(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = offered(cast)
        fields = {"cluster": cast.cluster, "agreement": agreement, "day": TODAY, "at": NOON}
        for wrong in (
            {"position": 3, "act": "accept", "source": "offered", "target": "in_force"},
            {"position": 3, "act": "countersign", "source": "accepted", "target": "signed"},
            {"position": 2, "act": "accept", "source": "offered", "target": "accepted"},
            {"position": 4, "act": "accept", "source": "offered", "target": "accepted"},
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                AgreementEvent.objects.create(**fields, **wrong)


def test_the_database_takes_no_signature_of_another_digest(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        paper = offered(cast).documents.get()
        with pytest.raises(IntegrityError), transaction.atomic():
            AgreementSignature.objects.create(
                cluster=cast.cluster, document=paper, side="partner", user=cast.colleague, email="x", at=NOON,
                pdf_sha256="0" * 64, declaration="x", authentication=[],
            )  # fmt: skip


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
