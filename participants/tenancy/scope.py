"""The clusters in scope, and who acts: settings of the current transaction that the database reads.

Row-level security policies read the clusters, the triggers that note changes read the user.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection, transaction

SETTING = "app.clusters"
USER_SETTING = "app.user"
_acting: ContextVar[int | None] = ContextVar("acting user", default=None)


class NoScope(RuntimeError):
    """Work on tenant rows was asked for without naming a cluster."""


@contextmanager
def acting_as(user_id: int | None) -> Iterator[None]:
    """Changes in every scope opened inside are this user's; without it they are the platform's own."""
    token = _acting.set(user_id)
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def scope(*cluster_ids: int) -> Iterator[None]:
    """Open a transaction in which exactly these clusters exist; nested scopes replace and then restore.

    The settings are local to the transaction, so they can't leak through a pooled connection.
    """
    if not cluster_ids:
        raise NoScope("name at least one cluster to work in")
    with transaction.atomic():
        before = _settings()
        acting = _acting.get()
        _set(_as_array(cluster_ids), "" if acting is None else str(int(acting)))
        yield
        # After an exception the savepoint's rollback restores the settings instead.
        _set(*before)


def clusters_in_scope() -> tuple[int, ...]:
    """Ids of the clusters in scope of the current transaction; empty outside of any scope."""
    text = _settings()[0]
    return tuple(int(part) for part in text.strip("{}").split(",")) if text else ()


def _as_array(cluster_ids: tuple[int, ...]) -> str:
    return "{" + ",".join(str(int(cluster_id)) for cluster_id in cluster_ids) + "}"


def _settings() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(current_setting(%s, true), ''), coalesce(current_setting(%s, true), '')",
            [SETTING, USER_SETTING],
        )
        clusters, user = cursor.fetchone()
    return clusters, user


def _set(clusters: str, user: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(%s, %s, true), set_config(%s, %s, true)", [SETTING, clusters, USER_SETTING, user]
        )
