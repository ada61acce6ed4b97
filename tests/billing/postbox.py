"""A real SMTP server that answers as it is told."""

from email import message_from_bytes
from email.message import Message as Letter
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message


class Postbox(Message):
    """Takes letters, but for those to addresses that are told how to answer."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[Letter] = []
        self.answers: dict[str, str] = {}
        self.sender_refused = ""
        self.asked: list[str] = []

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.sender_refused:
            return self.sender_refused
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        self.asked.append(address)
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def handle_message(self, message: Any) -> None:
        self.letters.append(message_from_bytes(message.as_bytes()))


class Post(Controller):
    """On a free port."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()
