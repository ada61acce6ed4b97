#!/usr/bin/env python
"""Django's commands, with the embedded services running where none are configured."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from environs import EnvError

from cluster_platform import embedded

#: Commands that work on files only.
WITHOUT_SERVICES = {"verify_package"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cluster_platform.settings")
    try:
        if not WITHOUT_SERVICES.intersection(sys.argv[1:2]):
            embedded.ensure_running(settings.VAR)
    except (ImproperlyConfigured, EnvError, embedded.EmbeddedServerError) as error:
        sys.exit(str(error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
