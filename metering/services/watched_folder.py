"""Files of readings that others put into a folder: one subfolder for each cluster, named by its slug.

A file is taken once nobody has written to it for a minute, and moves through `taken` to `done` or `refused`, with what
was wrong in a text file beside it. What is good is stored without anybody being asked.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from metering.models import ColumnMapping, Delivery, DeliveryFault
from metering.services.deliveries import CHUNK_BYTES, AlreadyReceived, Sender, Told, receive
from participants.models import Cluster
from participants.tenancy.scope import scope

log = logging.getLogger(__name__)
#: A file that was written to so lately may not be whole.
STILL = timedelta(minutes=1)
_UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".crdownload")
_TAKEN, _DONE, _REFUSED = "taken", "done", "refused"
_ENDED = {Delivery.State.STORED: _DONE, Delivery.State.REFUSED: _REFUSED, Delivery.State.CANCELLED: _REFUSED}


def look_into(cluster: Cluster, root: Path, now: datetime) -> list[Delivery]:
    """Take the cluster's new files and put away those that are through; opens its own scopes.

    Returns what a worker is to read. A file that can't be opened or moved is left, and logged.
    """
    inbox = root / cluster.slug
    if not inbox.is_dir():
        return []
    for place in (_TAKEN, _DONE, _REFUSED):
        (inbox / place).mkdir(exist_ok=True)
    taken = []
    for path in sorted(inbox.iterdir()):
        try:
            if _is_whole(path, now):
                taken += _take(cluster, path, now)
        except OSError:
            log.exception("%s can't be taken", path)
    for path in sorted((inbox / _TAKEN).iterdir()):
        try:
            _put_away(cluster, inbox, path)
        except OSError:
            log.exception("%s can't be put away", path)
    return taken


def _is_whole(path: Path, now: datetime) -> bool:
    if path.is_symlink() or not path.is_file() or path.name.startswith(".") or path.suffix.lower() in _UNFINISHED:
        return False
    return path.stat().st_mtime <= (now - STILL).timestamp()


def _take(cluster: Cluster, path: Path, now: datetime) -> list[Delivery]:
    sender = Sender(Delivery.Via.FOLDER, asks=False)
    try:
        delivery = receive(cluster, path.name, _chunks(path), sender, Told(mapping=_mapping(cluster, path.name)), now)
    except AlreadyReceived as known:
        _move(path, path.parent / _DONE, path.name, [str(known)])
        return []
    path.rename(path.parent / _TAKEN / f"{delivery.pk}_{path.name}")
    return [delivery] if delivery.moving else []


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _mapping(cluster: Cluster, name: str) -> ColumnMapping | None:
    """The column mapping with whose name, and `_`, the file's name begins."""
    with scope(cluster.pk):
        found = [each for each in ColumnMapping.objects.filter(cluster=cluster) if name.startswith(f"{each.name}_")]
    return max(found, key=lambda each: len(each.name), default=None)


def _put_away(cluster: Cluster, inbox: Path, path: Path) -> None:
    """Move a file that is through, with what was wrong."""
    number, _, name = path.name.partition("_")
    with scope(cluster.pk):
        delivery = Delivery.objects.filter(cluster=cluster, pk=int(number)).first() if number.isdecimal() else None
        if delivery is None or delivery.state not in _ENDED:
            return
        said = [delivery.reason] if delivery.reason else []
        for fault in DeliveryFault.objects.filter(delivery=delivery).order_by("number"):
            column = f", {fault.column}" if fault.column else ""
            often = f" ({fault.lines} lines)" if fault.lines > 1 else ""
            said.append(f"line {fault.line}{column}: {fault.text}{often}")
    _move(path, inbox / _ENDED[Delivery.State(delivery.state)], name, said)


def _move(path: Path, folder: Path, name: str, said: list[str]) -> None:
    """Under its name, or with a number before it if that is taken."""
    target, number = folder / name, 1
    while target.exists():
        number += 1
        target = folder / f"{number}_{name}"
    if said:
        (folder / f"{target.name}.txt").write_text("\n".join([*said, ""]))
    path.rename(target)
