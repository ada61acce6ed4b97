"""manage.py demo_codes: what an authenticator app would show for the demo's logins."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cluster_platform.demo.logins import COORDINATOR, DSO, ensure_second_factor


class Command(BaseCommand):
    help = "Shows the codes with which the demo's coordinator and distributor sign in now."

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.VAR / "demo" / "logins.json").exists():
            raise CommandError("The demo has not been started here yet: make demo")
        for email in (COORDINATOR, DSO):
            self.stdout.write("\n".join(ensure_second_factor(email).in_words()))
