"""One at a time where two would disturb each other."""

from django.db import connection


def lock_payments(cluster_id: int) -> None:
    """Let one call at a time book payments of the cluster, until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"payments {cluster_id}"])
