"""Notes of the use of an API key: when, and which answer a request was given."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from metering.models import KeyAnswer
from participants.models import ApiKey

_USED = """
INSERT INTO metering_keyuse (cluster_id, api_key_id, last_used_at) VALUES (%s, %s, date_trunc('minute', %s))
ON CONFLICT (cluster_id, api_key_id) DO UPDATE SET last_used_at = excluded.last_used_at
WHERE metering_keyuse.last_used_at < excluded.last_used_at
"""


class KeyReused(ValueError):
    """An Idempotency-Key came with another request than the first time."""


@dataclass(frozen=True)
class Answer:
    """HTTP status and body."""

    status: int
    body: dict[str, Any]


def note_use(key: ApiKey, now: datetime) -> None:
    """Note that the key was used. Needs the scope."""
    with connection.cursor() as cursor:
        cursor.execute(_USED, [key.cluster_id, key.pk, now])


def answer_given(key: ApiKey, idempotency_key: str, request_sha256: str) -> Answer | None:
    """What this request was answered before; waits until the same request that is being answered has ended.

    Needs the scope's transaction. Raises KeyReused if it was another request.
    """
    with connection.cursor() as cursor:
        lock = f"{key.pk} {idempotency_key}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('idempotency'), hashtext(%s))", [lock])
    given = KeyAnswer.objects.filter(api_key=key, idempotency_key=idempotency_key).first()
    if given is None:
        return None
    if given.request_sha256 != request_sha256:
        raise KeyReused("this Idempotency-Key came with another delivery before; use a new one for each delivery")
    return Answer(given.status, given.answer)


def keep_answer(key: ApiKey, idempotency_key: str, request_sha256: str, answer: Answer, now: datetime) -> None:
    """Keep the answer for when the request comes again; in the transaction of what it did."""
    KeyAnswer.objects.create(
        cluster_id=key.cluster_id, api_key=key, idempotency_key=idempotency_key, request_sha256=request_sha256,
        status=answer.status, answer=answer.body, at=now,
    )  # fmt: skip
