"""Reads a cluster-dataset/1 folder: all of it or nothing."""

from pathlib import Path

from contracts.dataset.check_members import check_members
from contracts.dataset.check_prices import check_prices
from contracts.dataset.clusterfile import read_cluster_file
from contracts.dataset.faults import DatasetError, Fault, Faults
from contracts.dataset.records import Dataset
from contracts.dataset.tables import find_readings, read_tables


def read_dataset(folder: Path) -> Dataset:
    """The folder's content without its readings, every row and every relation checked.

    Raises DatasetError with all mistakes found; relations are checked only once every row is right in itself.
    """
    if not folder.is_dir():
        raise DatasetError((Fault(str(folder), 0, "", "there is no such folder"),))
    faults = Faults()
    cluster = read_cluster_file(folder, faults)
    tables = read_tables(folder, cluster.dso.name, faults)
    readings = find_readings(folder, faults)
    faults.check()
    check_members(cluster, tables, faults)
    check_prices(cluster, tables, faults)
    faults.check()
    return Dataset(
        folder=folder,
        cluster=cluster.cluster,
        coordinator=cluster.coordinator,
        dso=cluster.dso,
        terms=cluster.terms,
        settings=cluster.settings,
        books=cluster.books,
        grid_nodes=tables.grid_nodes,
        participants=tables.participants,
        metering_points=tables.metering_points,
        contracts=tables.contracts,
        rates=tables.rates,
        zones=tables.zones,
        retail=tables.retail,
        standard_sale=tables.standard_sale,
        external_prices=tables.external_prices,
        static_keys=tables.static_keys,
        reading_files=readings,
    )
