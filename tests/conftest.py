"""The test database: made and migrated by the owner's role, used by the application's role as in production."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.utils import translation
from selenium import webdriver

from cluster_platform import embedded

TEMPLATE = f"test_{embedded.DATABASE}_"


def pytest_configure(config: pytest.Config) -> None:
    """Pages are tested without `collectstatic`, whose names carry hashes of the files."""
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    use_own_queue()


def use_own_queue() -> None:
    """A database of Redis for each process, of which the workers of a demo in this folder take nothing."""
    number = 1 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 15
    settings.REDIS_URL = settings.CELERY_BROKER_URL = f"{embedded.redis_url(settings.VAR)}?virtual_host={number}"
    settings.CACHES["default"]["LOCATION"] = f"unix://{embedded.socket_dir(settings.VAR)}/redis.sock?db={number}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests come first, so that at the end no process is left with one while the others have nothing."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/roles/"))


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: Any
) -> Iterator[None]:
    """Replaces pytest-django's, which would have the application's role create and flush the database."""
    embedded.ensure_running(settings.VAR)
    app, owner = connections["default"], connections["owner"]
    verbosity = request.config.option.verbose
    name_before = owner.settings_dict["NAME"]
    with django_db_blocker.unblock():
        drop_abandoned_databases()
        with one_at_a_time():
            owner.settings_dict["TEST"]["NAME"] = TEMPLATE + digest_of_schema()
            owner.creation.create_test_db(verbosity=verbosity, autoclobber=True, serialize=False, keepdb=True)
            owner.close()
            owner.creation.clone_test_db(suffix=str(os.getpid()), verbosity=verbosity)
        name = owner.creation.get_test_db_clone_settings(str(os.getpid()))["NAME"]
        owner.close()
        app.close()
        app.settings_dict["NAME"] = owner.settings_dict["NAME"] = name
        app.ops.execute_sql_flush = truncate_as_owner
    yield
    with django_db_blocker.unblock():
        app.close()
        owner.creation.destroy_test_db(name_before, verbosity=verbosity)


def digest_of_schema() -> str:
    """Changes with whatever makes the schema: a database that is migrated once serves until then."""
    files = [*settings.BASE_DIR.glob("*/migrations/*.py"), *settings.BASE_DIR.glob("participants/tenancy/*.py")]
    files += [settings.BASE_DIR / "metering" / "retention_sql.py", settings.BASE_DIR / "requirements.txt"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()[:16]


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """The first process migrates, the others wait and copy."""
    with psycopg.connect(embedded.database_urls(settings.VAR)[1]) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [TEMPLATE])
        yield


def drop_abandoned_databases() -> None:
    """Each process has a database of its own, so that runs don't disturb each other; a killed one leaves it behind."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname ~ %s", [f"^{TEMPLATE}[0-9a-f]{{16}}(_[0-9]+)?$"])
        for (name,) in cursor.fetchall():
            digest, _, process = name.removeprefix(TEMPLATE).partition("_")
            if not psutil.pid_exists(int(process)) if process else digest != digest_of_schema():
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def truncate_as_owner(statements: list[str]) -> None:
    """What Django runs after a test that commits; the application's role must not truncate."""
    parameters = connections["owner"].get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)
    with psycopg.connect(**parameters) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """A page leaves its reader's language behind."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def own_cache(settings: Any) -> None:
    """Attempts to sign in are counted in Redis, for each test apart."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": uuid.uuid4().hex}}


@pytest.fixture
def service_environment(django_db_setup: None) -> dict[str, str]:
    """Environment variables that point another process at this test's database and queue, which is emptied.

    What tests before have queued must not be done by this one's workers.
    """
    redis.Redis.from_url(settings.CACHES["default"]["LOCATION"]).flushdb()
    name = connections["default"].settings_dict["NAME"]
    urls = [url.replace(f"/{embedded.DATABASE}?", f"/{name}?") for url in embedded.database_urls(settings.VAR)]
    return {
        "DATABASE_URL": urls[0],
        "DATABASE_OWNER_URL": urls[1],
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
    }


@pytest.fixture(scope="session", autouse=True)
def collected_static_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Pages name their style sheets by content, as in production, so these must have been collected."""
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    call_command("collectstatic", verbosity=0, interactive=False)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """A headless Chromium; without one the test is skipped, but fails in CI."""
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if not all(programs):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = str(programs[0])
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--user-data-dir={tmp_path}"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(programs[1])))
    yield driver
    driver.quit()
