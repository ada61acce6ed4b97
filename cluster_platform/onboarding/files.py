"""Files of applications on their way to a browser."""

from io import BytesIO

from django.http import FileResponse

from participants.models import ApplicationDocument


def as_download(document: ApplicationDocument) -> FileResponse:
    """Saved rather than shown: a file from outside never runs as a page of ours."""
    response = FileResponse(
        BytesIO(bytes(document.content)), as_attachment=True, filename=document.name, content_type=document.content_type
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response
