"""Stores a cluster dataset: all of it or nothing, and only what differs from what is stored."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from contracts.dataset import records as r
from contracts.dataset.faults import DatasetError, Fault
from contracts.dataset.records import Dataset
from contracts.dataset.survey import Survey
from contracts.models import (
    ClusterSettings,
    ClusterTerms,
    Contract,
    RetailPrice,
    StandardSalePrice,
    StaticKey,
)
from contracts.selectors import stored
from contracts.services.book import publish_or_compare
from contracts.services.grid import store_grid
from contracts.services.members import sync_participants, sync_points
from contracts.services.standard import default_offer
from contracts.services.sync import Changes, sync
from contracts.services.touched import WHOLE_TIME, DaySpan, changed_spans, days_until_next, instants, within
from metering.domain.readings import ReadingsRefused
from metering.services.ingest import Outcome, ingest_files
from metering.services.inputs import known_intervals, touch_intervals
from metering.services.locks import lock_readings
from metering.services.progress import Progress, silent
from metering.services.staging import Source
from participants.models import Cluster, Coordinator, Dso, Participant
from participants.tenancy.partitions import ensure_month_partitions, renew_statistics
from participants.tenancy.scope import scope

#: Of which a load may write a large part anew.
BULK_TABLES = ("metering_reading", "metering_intervalinput", "contracts_externalprice")
_INSERT_PRICES = """
INSERT INTO contracts_externalprice (cluster_id, interval_start, version, buy_pln_kwh, sell_pln_kwh)
SELECT %s, at, version, buy * 0.000001, sell * 0.000001
FROM unnest(%s::timestamptz[], %s::int[], %s::bigint[], %s::bigint[]) AS u(at, version, buy, sell)
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading changed: rows of terms and members, external prices, and readings."""

    cluster: Cluster
    rows: int
    prices: int
    readings: Outcome


def load_dataset(dataset: Dataset, surveys: Iterable[Survey], now: datetime, progress: Progress = silent) -> Loaded:
    """Create or update the cluster of the folder in one transaction; its readings count as issued now.

    What the folder names is made equal to it; participants and metering points that it does not name stay. Raises
    DatasetError, with nothing stored, for bad readings and for a tariff that differs from the distributor's book.
    """
    surveys = list(surveys)
    months = sorted({month for survey in surveys for month in survey.months})
    for month in months:
        ensure_month_partitions("metering_reading", month, month)
    with transaction.atomic():
        dso = publish_or_compare(dataset, now)
        cluster, moved = _store_cluster(dataset, dso)
        with scope(cluster.pk):
            lock_readings(cluster)
            known = known_intervals(cluster.pk, *instants([WHOLE_TIME], dataset.tz)[0])
            count, spans = _store_terms(cluster, dataset)
            spans += [WHOLE_TIME] if moved else []
            touched = within(known, instants(spans, dataset.tz))
            changed = _store_prices(cluster, dataset)
            touch_intervals(cluster.pk, [*touched, *changed])
            readings = _store_readings(cluster, surveys, now, progress)
    if readings.changed:
        renew_statistics(BULK_TABLES, months[0], months[-1])
    return Loaded(cluster, count + moved, len(changed), readings)


def _store_cluster(dataset: Dataset, dso: Dso) -> tuple[Cluster, bool]:
    """The cluster's row, and whether its time zone, holidays or distributor differ from before."""
    record = dataset.cluster
    fields = {name: getattr(record, name) for name in record.__dataclass_fields__ if name != "slug"}
    cluster, created = Cluster.objects.select_related("dso").get_or_create(
        slug=record.slug, defaults={**fields, "dso": dso}
    )
    before = stored.cluster_record(cluster)
    if created or (before == record and cluster.dso_id == dso.pk):
        return cluster, False
    moved = (before.timezone, before.holidays, cluster.dso_id) != (record.timezone, record.holidays, dso.pk)
    for name, value in {**fields, "dso": dso}.items():
        setattr(cluster, name, value)
    cluster.save()
    return cluster, moved


def _store_terms(cluster: Cluster, dataset: Dataset) -> tuple[int, list[DaySpan]]:
    """Everything but prices and readings: how many rows changed, and the days for which clearing must look again."""
    single = [
        _sync_plain(cluster, Coordinator, stored.coordinators(cluster), [dataset.coordinator], lambda _record: 1),
        _sync_plain(cluster, ClusterTerms, stored.terms(cluster), [dataset.terms], lambda _record: 1),
        _sync_retail(cluster, dataset),
        _store_sale_prices(cluster, dataset),
        sync_participants(cluster, dataset.participants),
    ]
    settings, setting_spans = _sync_settings(cluster, dataset)
    grid = store_grid(cluster, dataset)
    people = dict(Participant.objects.filter(cluster=cluster).values_list("code", "pk"))
    points = sync_points(cluster, dataset.metering_points, people)
    with connection.cursor() as cursor:
        # What the grid's rewriting deferred is checked here, not at the end of the long load of readings.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    contracts = _sync_contracts(cluster, dataset, people)
    keys, key_spans = _sync_keys(cluster, dataset, people)
    spans = [*setting_spans, *key_spans, *changed_spans(points), *changed_spans(contracts)]
    if grid:
        spans.append(WHOLE_TIME)
    changes: list[Changes[Any]] = [*single, settings, points, contracts, keys]
    return grid + sum(len(change.pairs) for change in changes), spans


def _sync_plain(cluster: Cluster, model: Any, pairs: Any, wanted: Any, key: Callable[[Any], object]) -> Changes[Any]:
    """Rows whose columns are the record's fields."""
    return sync(
        cluster,
        model,
        pairs,
        wanted,
        key=key,
        values=lambda record: {name: getattr(record, name) for name in record.__dataclass_fields__},
        remove=lambda _record: False,
    )


def _sync_retail(cluster: Cluster, dataset: Dataset) -> Changes[r.RetailRecord]:
    groups = {row.group for row in dataset.retail}
    offer = default_offer(cluster)
    return sync(
        cluster,
        RetailPrice,
        stored.retail(cluster),
        dataset.retail,
        key=lambda row: (row.group, row.zone, row.valid_from),
        values=lambda row: (
            {"offer": offer, "source": ""} | {name: getattr(row, name) for name in row.__dataclass_fields__}
        ),
        remove=lambda row: row.group in groups,
    )


def _store_sale_prices(cluster: Cluster, dataset: Dataset) -> Changes[r.StandardSaleRecord]:
    """New versions of the standard sale prices that differ."""
    known = {(record.legal_form, record.month): (row.version, record) for row, record in stored.standard_sale(cluster)}
    changes: Changes[r.StandardSaleRecord] = Changes()
    rows = []
    for record in dataset.standard_sale:
        version, before = known.get((record.legal_form, record.month), (0, None))
        if record != before:
            values = {name: getattr(record, name) for name in record.__dataclass_fields__}
            rows.append(StandardSalePrice(cluster=cluster, version=version + 1, **values))
            changes.pairs.append((before, record))
    StandardSalePrice.objects.bulk_create(rows)
    return changes


def _sync_settings(cluster: Cluster, dataset: Dataset) -> tuple[Changes[r.SettingsRecord], list[DaySpan]]:
    pairs = stored.settings(cluster)
    names = [name for name in r.SettingsRecord.__dataclass_fields__ if name != "sharing_discount"]
    changes = sync(
        cluster,
        ClusterSettings,
        pairs,
        dataset.settings,
        key=lambda row: row.valid_from,
        values=lambda row: (
            {name: getattr(row, name) for name in names}
            | {"sharing_discount": {level: str(share) for level, share in row.sharing_discount.items()}}
        ),
        remove=lambda _row: True,
    )
    starts = [row.valid_from for row in (*(record for _, record in pairs), *dataset.settings)]
    return changes, days_until_next(_starts(changes), starts)


def _sync_keys(
    cluster: Cluster, dataset: Dataset, people: dict[str, int]
) -> tuple[Changes[r.StaticKeyRecord], list[DaySpan]]:
    pairs = stored.static_keys(cluster)
    changes = sync(
        cluster,
        StaticKey,
        pairs,
        dataset.static_keys,
        key=lambda row: (row.participant, row.valid_from),
        values=lambda row: {
            "participant_id": people[row.participant],
            "share": row.share,
            "valid_from": row.valid_from,
        },
        remove=lambda _row: True,
    )
    starts = [row.valid_from for row in (*(record for _, record in pairs), *dataset.static_keys)]
    return changes, days_until_next(_starts(changes), starts)


def _starts(changes: Changes[Any]) -> list[date]:
    return [row.valid_from for pair in changes.pairs for row in pair if row is not None]


def _sync_contracts(cluster: Cluster, dataset: Dataset, people: dict[str, int]) -> Changes[r.ContractRecord]:
    named = {row.id for row in dataset.participants}
    return sync(
        cluster,
        Contract,
        stored.contracts(cluster),
        dataset.contracts,
        key=lambda row: (row.participant, row.valid_from),
        values=lambda row: {
            "participant_id": people[row.participant],
            "scheme": row.scheme,
            "valid_from": row.valid_from,
            "valid_to": row.valid_to,
        },
        remove=lambda row: row.participant in named,
    )


def _store_prices(cluster: Cluster, dataset: Dataset) -> list[datetime]:
    """New versions of the external prices that differ, and their quarter-hours."""
    known = {record.interval_start: (row.version, record) for row, record in stored.external_prices(cluster)}
    changed = []
    for record in dataset.external_prices:
        version, before = known.get(record.interval_start, (0, None))
        if record != before:
            changed.append((record.interval_start, version + 1, record.buy_micro, record.sell_micro))
    if changed:
        with connection.cursor() as cursor:
            columns = [list(column) for column in zip(*changed, strict=True)]
            cursor.execute(_INSERT_PRICES, [cluster.pk, *columns])
    return [start for start, *_ in changed]


def _store_readings(cluster: Cluster, surveys: list[Survey], now: datetime, progress: Progress) -> Outcome:
    files = [Source(survey.file, survey.columns, True, survey.size, survey.chunks) for survey in surveys]
    try:
        return ingest_files(cluster, files, issued_at=now, progress=progress)
    except ReadingsRefused as error:
        faults = tuple(Fault(fault.source, fault.line, fault.column, fault.text) for fault in error.faults)
        raise DatasetError(faults) from error
