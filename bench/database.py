"""What the steps measure with, and the floors they are held against."""

import tempfile
import time
from collections.abc import Callable, Iterable

import psycopg
from django.conf import settings

from cluster_platform import embedded

#: Seconds of a step, and of its floor.
Measured = tuple[float, float]
BLOCK_BYTES = 1 << 18


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def copy_again(query: str) -> float:
    """Seconds of COPY of these readings into a table of the same columns, checks and key, without more."""
    with owner() as connection:
        connection.execute("CREATE TABLE bench_reading (LIKE metering_reading INCLUDING ALL)")
        connection.commit()
        with tempfile.TemporaryFile() as rows:
            rows.writelines(copied_out(connection, query))
            rows.seek(0)

            def copy() -> None:
                with connection.cursor().copy("COPY bench_reading FROM STDIN") as stream:
                    while block := rows.read(BLOCK_BYTES):
                        stream.write(block)
                connection.commit()

            seconds = timed(copy)
        connection.execute("DROP TABLE bench_reading")
    return seconds


def owner() -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(embedded.database_urls(settings.VAR)[1])


def copied_out(connection: "psycopg.Connection[tuple[object, ...]]", query: str) -> Iterable[bytes]:
    with connection.cursor().copy(f"COPY ({query}) TO STDOUT") as stream:
        for block in stream:
            yield bytes(block)


def read_all(tables: Iterable[str], condition: str = "true") -> None:
    with owner() as connection:
        for table in tables:
            for _ in copied_out(connection, f"SELECT * FROM {table} WHERE {condition}"):
                pass


def vacuum(tables: Iterable[str]) -> None:
    """Leave tables as autovacuum does within minutes: a month is not billed in the second in which it was settled."""
    with owner() as connection:
        connection.autocommit = True
        for table in tables:
            connection.execute(f"VACUUM (ANALYZE) {table}")
