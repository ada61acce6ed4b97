"""What takes minutes waits in its own queue, and whoever starts the platform starts a worker for it."""

from pathlib import Path

from django.conf import settings

from cluster_platform.celery import app
from cluster_platform.demo.processes import workers

ROOT = Path(__file__).parents[2]
LONG = ("billing.tasks.compute_month", "billing.tasks.go_on_closing", "billing.tasks.make_papers_of")


def queue_of(task: str) -> str:
    return str(app.amqp.router.route({}, task)["queue"].name)


def test_closing_and_pdfs_do_not_hold_up_clearing() -> None:
    app.loader.import_default_modules()
    assert set(LONG) <= set(app.tasks)
    assert {queue_of(task) for task in LONG} == {"billing"}
    assert queue_of("clearing.tasks.clear_cluster") == queue_of("billing.tasks.look_after_bills") == "celery"


def test_every_queue_has_a_worker_in_the_demo_and_where_it_is_deployed() -> None:
    wanted = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    units = [path.read_text() for path in (ROOT / "deploy").glob("*.service")]
    for queue in wanted:
        assert any(f"--queues {queue} " in unit for unit in units)
        assert any(["--queues", queue] == command[1:3] for command in workers().values())
    assert any("--queues" not in unit and " worker " in unit for unit in units)
    assert any("--queues" not in command for command in workers().values())
