"""Where no mail server is set, e-mails are printed; attachments by their names, for they would fill the log."""

from copy import copy
from typing import Any

from django.core.mail.backends.console import EmailBackend as ConsoleBackend


class EmailBackend(ConsoleBackend):
    def write_message(self, message: Any) -> None:
        bare = copy(message)
        bare.attachments = []
        super().write_message(bare)
        for attachment in message.attachments:
            self.stream.write(f"[attached: {attachment[0]}, {len(attachment[1])} bytes]\n")
