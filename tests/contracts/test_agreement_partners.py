"""Agreements with the distributor and with outside partners, and the texts that they are made of."""

import pytest
from django.core.exceptions import PermissionDenied

from contracts.domain.agreement_states import AgreementError
from contracts.models import ClusterSettings, ExternalPartner
from contracts.services import agreements
from contracts.services.agreement_papers import add_template
from contracts.services.agreements import Actor
from participants.access import Access
from participants.tenancy.scope import scope
from tests.cast import DAY, NOON, Cast, make_dso_user
from tests.contracts.agreement_scenes import JULY, coordinator, evidence, member, rows, state


def test_a_template_with_an_unknown_variable_is_refused(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        for body in ("{nobody}", "{", "{}", "{number!r}", "{number.real}"):
            with pytest.raises(AgreementError):
                add_template(cast.cluster, "seller", "en", body, 30, None, NOON)


def test_the_distributor_agrees_how_grid_fees_are_settled(cast: Cast) -> None:
    dso = Actor(make_dso_user(cast.cluster.dso), Access(cast.cluster.pk, "dso"))
    area = Actor(dso.user, Access(cast.cluster.pk, "dso", level="area"))
    with scope(cast.cluster.pk):
        agreement = agreements.prepare(
            cast.cluster, coordinator(cast), NOON, JULY, dso=cast.cluster.dso, dso_settlement="direct"
        )
        agreements.offer(agreement, coordinator(cast), NOON)
        for actor in (area, member(cast), coordinator(cast)):
            with pytest.raises(PermissionDenied):
                agreements.sign(agreement, actor, "partner", NOON, evidence(agreement))
        agreements.sign(agreement, dso, "partner", NOON, evidence(agreement))
        agreements.sign(agreement, coordinator(cast), "coordinator", NOON, evidence(agreement))
        modes = ClusterSettings.objects.order_by("valid_from").values_list("valid_from", "dso_settlement")
        assert list(modes) == [(DAY, "coordinator"), (JULY, "direct")]
        assert "rozliczane: bezpośrednio" in agreement.documents.get().text


@pytest.mark.parametrize("kind", ["seller", "buyer"])
def test_outside_partners_sign_on_paper_and_the_coordinator_records_it(kind: str, cast: Cast) -> None:
    with scope(cast.cluster.pk):
        partner = ExternalPartner.objects.create(
            cluster=cast.cluster, kind=kind, name="Trader", nip="1000237576", street="S", postcode="00-001", city="C"
        )
        before = rows(cast)
        agreement = agreements.prepare(cast.cluster, coordinator(cast), NOON, JULY, partner=partner, language="en")
        agreements.offer(agreement, coordinator(cast), NOON)
        agreements.sign(agreement, coordinator(cast), "coordinator", NOON, evidence(agreement))
        agreements.sign(agreement, coordinator(cast), "partner", NOON, evidence(agreement))
        assert state(agreement) == "signed"
        assert rows(cast) == before
