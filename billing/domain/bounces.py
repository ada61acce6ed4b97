"""What mail servers send back: delivery status notifications (RFC 3464)."""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message

#: As bills are sent: cluster and a secret that nobody can guess.
OURS = re.compile(r"<bill\.(\d{1,18})\.[0-9a-f]{24}@[^>\s]+>")


@dataclass(frozen=True, slots=True)
class Bounce:
    """A bill that did not arrive, and what the server said."""

    cluster_id: int
    message_id: str
    reason: str


def bounces_in(raw: bytes) -> list[Bounce]:
    """The bills that a message reports as failed; none where it is no report, or only tells of a delay."""
    message = message_from_bytes(raw, policy=policy.compat32)
    if message.get_content_type() != "multipart/report":
        return []
    reasons = [reason for part in message.walk() if (reason := _failure(part))]
    sent = OURS.search("\n".join(_original_headers(message)))
    if not reasons or sent is None:
        return []
    return [Bounce(int(sent.group(1)), sent.group(0), "; ".join(reasons))]


def _failure(part: Message) -> str:
    """The status and the words of a recipient's block that failed, on one line."""
    if part.get("Action", "").strip().lower() != "failed":
        return ""
    said = part.get("Diagnostic-Code", "").partition(";")[2]
    return " ".join(f"{part.get('Status', '')} {said}".split()) or "failed"


def _original_headers(message: Message) -> list[str]:
    """The Message-ID of what was sent, from the copy of it, or of its headers, at the end of the report."""
    found = []
    for part in message.walk():
        if part is message:
            continue
        if part.get_content_type() == "text/rfc822-headers":
            found.append(str(part.get_payload()))
        elif part.get("Message-ID"):
            found.append(str(part["Message-ID"]))
    return found
