"""Participants and metering points, made equal to records: by a dataset's folder, or by one table of the admin."""

from collections.abc import Iterable, Mapping

from contracts.dataset import records as r
from contracts.dataset.faults import Faults
from contracts.selectors import stored
from contracts.services.sync import Changes, sync
from metering.models import GridNode, MeteringPoint, PointAssignment
from participants.models import Cluster, ErasureRequest, Participant


def sync_participants(cluster: Cluster, wanted: Iterable[r.ParticipantRecord]) -> Changes[r.ParticipantRecord]:
    """Create and update by number; who is not named stays. DatasetError where an erased person would come back."""
    wanted = list(wanted)
    _refuse_erased(cluster, wanted)
    names = [name for name in r.ParticipantRecord.__dataclass_fields__ if name != "id"]
    return sync(
        cluster,
        Participant,
        stored.participants(cluster),
        wanted,
        key=lambda row: row.id,
        values=lambda row: {"code": row.id} | {name: getattr(row, name) for name in names},
        remove=lambda _row: False,
    )


def _refuse_erased(cluster: Cluster, wanted: Iterable[r.ParticipantRecord]) -> None:
    """Older files still hold what was erased."""
    erased = ErasureRequest.objects.filter(cluster=cluster).exclude(erased_at=None)
    left = {row.code for row in Participant.objects.filter(pk__in=erased.values("participant"))}
    now = {record.id: record for _row, record in stored.participants(cluster)} if left else {}
    text = "the personal data of {} were erased and must not come back; take its row from a fresh export"
    faults = Faults()
    for row in wanted:
        if row.id in left and row != now[row.id]:
            faults.add("participants.csv", 0, "id", text.format(row.id))
    faults.check()


def sync_points(
    cluster: Cluster, wanted: Iterable[r.MeteringPointRecord], people: Mapping[str, int]
) -> Changes[r.MeteringPointRecord]:
    """The dated rows of each metering point that is named, all of them; `people`: ids by number."""
    wanted = list(wanted)
    points = dict(MeteringPoint.objects.filter(cluster=cluster).values_list("code", "pk"))
    codes = dict.fromkeys(row.code for row in wanted)
    new = [MeteringPoint(cluster=cluster, code=code) for code in codes if code not in points]
    points |= {point.code: point.pk for point in MeteringPoint.objects.bulk_create(new)}
    nodes = dict(GridNode.objects.filter(cluster=cluster).values_list("code", "pk"))
    plain = r.MeteringPointRecord.__dataclass_fields__.keys() - {"code", "participant", "grid_node"}
    return sync(
        cluster,
        PointAssignment,
        stored.metering_points(cluster),
        wanted,
        key=lambda row: (row.code, row.valid_from),
        values=lambda row: (
            {name: getattr(row, name) for name in plain}
            | {
                "metering_point_id": points[row.code],
                "participant_id": people[row.participant] if row.participant else None,
                "grid_node_id": nodes[row.grid_node],
            }
        ),
        remove=lambda row: row.code in codes,
    )
