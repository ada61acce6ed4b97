"""Lets somebody back in who has lost phone, key and recovery codes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from participants.models import User
from participants.services.second_factor_reset import reset_second_factor


class Command(BaseCommand):
    help = "Remove all second factors of a login, for instance of the only operator. The user is told by e-mail."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="whose second factor is lost")
        parser.add_argument("--by", required=True, metavar="EMAIL", help="the operator's login that answers for it")
        parser.add_argument(
            "--reason", required=True, help="how it was made sure who asks; kept in the login's history"
        )

    def handle(self, *args: Any, email: str, by: str, reason: str, **options: Any) -> None:
        user, operator = _login(email), _login(by)
        if not operator.is_superuser:
            raise CommandError(f"{by} is no operator.")
        count = reset_second_factor(user, operator, reason)
        self.stdout.write(f"{user.email}: {count} second factors removed, sessions ended, told by e-mail.")


def _login(email: str) -> User:
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise CommandError(f"There is no login {email}.")
    return user
