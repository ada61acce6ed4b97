"""The web server's entry point."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from cluster_platform import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cluster_platform.settings")
embedded.ensure_running(settings.VAR)
application = get_wsgi_application()
