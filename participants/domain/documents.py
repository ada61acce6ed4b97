"""What a file really is, whatever its name says."""

#: Accepted types and the endings that go with them.
ENDINGS = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
}
MOST_BYTES = 5 * 2**20
MOST_DOCUMENTS = 10
#: Of all documents of an application together.
MOST_BYTES_TOGETHER = 20 * 2**20

_PNG_HEAD, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"


class DocumentRefused(ValueError):
    """`reason` is one of: empty, big, type, name, many, together."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def content_type_of(content: bytes) -> str | None:
    """PDF, PNG or JPEG by its first and last bytes; None for anything else, a cut file included."""
    if content.startswith(b"%PDF-") and b"%%EOF" in content[-1024:]:
        return "application/pdf"
    if content.startswith(_PNG_HEAD) and content[12:16] == b"IHDR" and _PNG_END in content[-64:]:
        return "image/png"
    if content.startswith(b"\xff\xd8\xff") and b"\xff\xd9" in content[-64:]:
        return "image/jpeg"
    return None


def check_document(name: str, content: bytes) -> str:
    """The content type of an acceptable file; DocumentRefused for an empty, big or other one, or a name that lies."""
    if not content:
        raise DocumentRefused("empty")
    if len(content) > MOST_BYTES:
        raise DocumentRefused("big")
    found = content_type_of(content)
    if found is None:
        raise DocumentRefused("type")
    if not name.lower().endswith(ENDINGS[found]):
        raise DocumentRefused("name")
    return found
