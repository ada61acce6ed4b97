"""The lock under which readings of a cluster are stored."""

from django.db import connection

from participants.models import Cluster


def lock_readings(cluster: Cluster) -> None:
    """One delivery at a time and cluster, to the end of the transaction: each sees what the one before has stored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('metering_reading'), %s)", [cluster.pk])
