"""The clusters in scope: a setting of the current transaction that every row-level security policy reads."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

SETTING = "app.clusters"


class NoScope(RuntimeError):
    """Work on tenant rows was asked for without naming a cluster."""


@contextmanager
def scope(*cluster_ids: int) -> Iterator[None]:
    """Open a transaction in which exactly these clusters exist; nested scopes replace and then restore.

    The setting is local to the transaction, so it can't leak through a pooled connection.
    """
    if not cluster_ids:
        raise NoScope("name at least one cluster to work in")
    with transaction.atomic():
        before = clusters_in_scope()
        _set(cluster_ids)
        yield
        # After an exception the savepoint's rollback restores the setting instead.
        _set(before)


def clusters_in_scope() -> tuple[int, ...]:
    """Ids of the clusters in scope of the current transaction; empty outside of any scope."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true)", [SETTING])
        text = cursor.fetchone()[0]
    return tuple(int(part) for part in text.strip("{}").split(",")) if text else ()


def _set(cluster_ids: tuple[int, ...]) -> None:
    text = "{" + ",".join(str(int(cluster_id)) for cluster_id in cluster_ids) + "}" if cluster_ids else ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, text])
