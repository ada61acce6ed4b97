"""Settings from the environment, typed; a missing or malformed one stops the start with its name.

Without DATABASE_URL and REDIS_URL the platform's own services under `var/` are used (see embedded.py).
"""

import logging
import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import dj_email_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from environs import Env, validate

from cluster_platform import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
#: Written into settlement packages.
VERSION = "0.1.0"

# Else openpyxl reads with lxml, where it is installed, instead of defusedxml, which refuses XML that explodes.
os.environ["OPENPYXL_LXML"] = "False"
# Typst would set each PDF on all cores; workers set many at a time, a core each, which costs a tenth less.
os.environ["RAYON_NUM_THREADS"] = "1"

env = Env()
env.read_env(str(BASE_DIR / ".env"), recurse=False)


def _own_secret_key() -> str:
    """A key made once under `var/` for the embedded set-up; with real services SECRET_KEY is required."""
    if env.str("DATABASE_URL", ""):
        raise ImproperlyConfigured("DATABASE_URL is set: SECRET_KEY must be set too.")
    path = VAR / "secret_key"
    try:
        if not path.exists():
            VAR.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile("w", dir=VAR, prefix="secret_key.") as file:
                file.write(secrets.token_urlsafe(50))
                file.flush()
                # Whole or not at all, and only the first of several that start at once.
                with suppress(FileExistsError):
                    os.link(file.name, path)
        return path.read_text()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{path} can't be used: {error.strerror}; run as the user who owns {VAR}, or set CLUSTER_PLATFORM_VAR."
        ) from error


VAR = Path(env.str("CLUSTER_PLATFORM_VAR", str(BASE_DIR / "var")))
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "") or _own_secret_key()
#: Former keys: what they signed or encrypted stays readable.
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
#: Behind TLS: secure cookies, redirects and HSTS.
HTTPS = env.bool("HTTPS", False)


def _databases() -> dict[str, dict[str, Any]]:
    """`default` is the application's role, under row-level security; `owner` owns the tables and migrates them."""
    app_url, owner_url = embedded.database_urls(VAR)
    if env.str("DATABASE_URL", ""):
        app_url = env.str("DATABASE_URL")
        owner_url = env.str("DATABASE_OWNER_URL", "")
        if not owner_url:
            raise ImproperlyConfigured(
                "DATABASE_URL is set: DATABASE_OWNER_URL must name the role that owns the tables."
            )
    databases = {
        "default": env.dj_db_url("DATABASE_URL", app_url, conn_max_age=0),
        "owner": env.dj_db_url("DATABASE_OWNER_URL", owner_url, conn_max_age=0),
    }
    for database in databases.values():
        if "postgresql" not in database["ENGINE"]:
            raise ImproperlyConfigured("The database must be PostgreSQL: postgresql://user:password@host/name")
    databases["default"]["ATOMIC_REQUESTS"] = True
    return databases


DATABASES = _databases()
REDIS_URL = env.str("REDIS_URL", "") or embedded.redis_url(VAR)

INSTALLED_APPS = [
    "cluster_platform",
    "billing",
    "clearing",
    "contracts",
    "metering",
    "participants",
    "cluster_platform.apps.PlatformAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "cluster_platform.request_size.RequestSizeMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "participants.middleware.LanguageMiddleware",
    "participants.middleware.ClusterMiddleware",
    "participants.second_factor.SecondFactorMiddleware",
]
ROOT_URLCONF = "cluster_platform.urls"
WSGI_APPLICATION = "cluster_platform.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ],
        },
    },
]

AUTH_USER_MODEL = "participants.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
#: A mail tells of a changed password and of a second factor that came or went.
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_ADAPTER = "participants.accounts.AccountsAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ADAPTER = "participants.accounts.SecondFactorAdapter"
MFA_FORMS = {"add_webauthn": "participants.forms.AddKeyForm", "edit_webauthn": "participants.forms.RenameKeyForm"}
#: Proxies in front that each append to X-Forwarded-For; attempts to sign in are counted by the address before them.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", 0)
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "cluster-platform@localhost")
#: Where the platform is reached; links in e-mails begin with it.
PUBLIC_URL = env.str("PUBLIC_URL", "http://localhost:8000")
#: A complaint is answered within this many days.
COMPLAINT_DAYS = env.int("COMPLAINT_DAYS", 14)
#: An invitation's link works for this many days.
INVITATION_DAYS = env.int("INVITATION_DAYS", 30)


def _months(kind: str, default: int, least: int = 1) -> int:
    """How long something is kept after it is over; 0: for good."""
    name = f"RETENTION_{kind.upper()}_MONTHS"
    months: int = env.int(name, default)
    if months and months < least:
        raise ImproperlyConfigured(f"{name} must be {least} or more, or 0: never delete.")
    return months


#: Why so long: docs/privacy.md. The database refuses to delete the last two kinds sooner than said here.
RETENTION_MONTHS = {
    "applications": _months("applications", 12),
    "invitations": _months("invitations", 3),
    "logins": _months("logins", 24),
    "complaints": _months("complaints", 84),
    "members": _months("members", 84),
    "accesses": _months("accesses", 36, least=12),
    "changes": _months("changes", 84, least=60),
}


def _email_settings() -> dict[str, Any]:
    try:
        found: dict[str, Any] = dj_email_url.parse(env.str("EMAIL_URL", "console:"))
    except ValueError:
        found = {}
    if "EMAIL_BACKEND" not in found:
        raise ImproperlyConfigured("EMAIL_URL is not understood: submission://user:password@host:587, or console:")
    return found


_email = _email_settings()
EMAIL_BACKEND = _email["EMAIL_BACKEND"].replace("django.core.mail.backends.console", "participants.console_mail")
EMAIL_HOST = _email["EMAIL_HOST"]
EMAIL_PORT = _email["EMAIL_PORT"]
EMAIL_HOST_USER = _email["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = _email["EMAIL_USE_TLS"]
EMAIL_USE_SSL = _email["EMAIL_USE_SSL"]
#: A mail server that does not answer holds a page up no longer (seconds).
EMAIL_TIMEOUT = _email["EMAIL_TIMEOUT"] or 10

LANGUAGE_CODE = "pl"
LANGUAGES = [("pl", _("Polish")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "cluster_platform" / "locale"]
FORMAT_MODULE_PATH = "cluster_platform.formats"
USE_THOUSAND_SEPARATOR = True
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        # Celery and the cache name a socket's database differently.
        "LOCATION": REDIS_URL.replace("redis+socket://", "unix://").replace("virtual_host=", "db="),
    }
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["participants.api_keys.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    #: Requests a key may send.
    "DEFAULT_THROTTLE_RATES": {"readings": env.str("API_RATE", "600/min")},
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Cluster Platform",
    "DESCRIPTION": "Deliveries of meter readings, and distributors' tariff books.",
    "VERSION": "1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "FileState": "metering.file_api.STATES",
        "TariffBookState": "cluster_platform.tariffs.api_schema.STATES",
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 2**20
#: A longer request, files included, is refused before anything of it is stored.
LARGEST_REQUEST_BYTES = env.int("LARGEST_REQUEST_BYTES", 16 * 2**20)

#: The content of files of readings is kept for so many days; what became of them stays.
FILES_KEEP_DAYS = env.int("FILES_KEEP_DAYS", 90, validate=validate.Range(min=1))
#: The largest file of readings that is taken.
FILES_MAX_MB = env.int("FILES_MAX_MB", 1024, validate=validate.Range(min=1))
#: Folder with a subfolder for each cluster, named by its slug, whose files are taken in; empty: none.
WATCHED_FOLDER = env.str("WATCHED_FOLDER", "")

#: Where the market's prices are published; empty: they come by file only.
MARKET_PRICES_URL = env.str("MARKET_PRICES_URL", "https://api.raporty.pse.pl/api")

#: The national e-invoice system: https://api-test.ksef.mf.gov.pl, https://api-demo.… or https://api.…; empty: none.
KSEF_URL = env.str("KSEF_URL", "")
#: `cluster=token,…`: the KSeF tokens of the coordinators, by their clusters' short names.
KSEF_TOKENS: dict[str, str] = env.dict("KSEF_TOKENS", default={})
if KSEF_URL and not KSEF_URL.startswith(("https://", "http://localhost", "http://127.0.0.1")):
    raise ImproperlyConfigured("KSEF_URL must begin with https://")
if KSEF_TOKENS and not KSEF_URL:
    raise ImproperlyConfigured("KSEF_TOKENS is set: KSEF_URL must be set too.")

#: How often the beat looks for intervals to settle. Quarter-hours finish every 900 s; the demo looks more often.
CLEARING_EVERY_SECONDS = env.int("CLEARING_EVERY_SECONDS", 900)
#: A pass over one cluster that takes longer is stopped; the next one goes on where it was.
CLUSTER_TASK_SECONDS = env.int("CLUSTER_TASK_SECONDS", 600)
#: Readings older than so many whole months become daily sums. Distributors correct for up to fifteen months.
READINGS_KEEP_MONTHS = env.int("READINGS_KEEP_MONTHS", 36, validate=validate.Range(min=15))
#: Both give the same result.
CLEARING_SOLVER = env.str("CLEARING_SOLVER", "HIGHS", validate=validate.OneOf(["HIGHS", "CBC"]))
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_TIMEZONE = "UTC"
#: Work of minutes (closing a month, its thousands of PDFs) has its own workers, so that clearing does not wait for it.
CELERY_TASK_ROUTES = {
    "billing.tasks.compute_month": {"queue": "billing"},
    "billing.tasks.go_on_closing": {"queue": "billing"},
    "billing.tasks.make_papers_of": {"queue": "billing"},
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": env.log_level("LOG_LEVEL", logging.INFO)},
    # One announces its version at every start, the other tells of every request.
    "loggers": {"mip": {"level": "WARNING"}, "httpx": {"level": "WARNING"}},
}
