"""Jobs run in the tenant's scope they were sent from, or not at all."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import celery
import pytest

from config.celery import app as product
from config.embedded import EmbeddedJobs
from tenants.scope import PLATFORM, TenantScopeError, active_scope, platform_scope, tenant_scope
from tenants.tasks_base import HEADER, TenantTask

WAIT_SECONDS = 20
TENANTS, JOBS = 20, 300


class Journal:
    """What the jobs of a test saw, and a way to wait for it."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self._change = threading.Condition()

    def note(self, *words: Any) -> None:
        with self._change:
            self.seen.append(words)
            self._change.notify_all()

    def wait(self, count: int) -> list[Any]:
        with self._change:
            assert self._change.wait_for(lambda: len(self.seen) >= count, WAIT_SECONDS)
            return list(self.seen)


journal = Journal()


@pytest.fixture(autouse=True)
def _blank_journal() -> None:
    journal.seen.clear()


@pytest.fixture(scope="module")
def app() -> Iterator[celery.Celery]:
    app = celery.Celery(
        "tenant-test", broker="memory://localhost/", set_as_current=False, task_cls=TenantTask
    )
    app.conf.update(
        task_default_queue="tenant-test",
        broker_transport_options={"polling_interval": 0.01},
        worker_hijack_root_logger=False,
        task_ignore_result=True,
    )
    # Threads of a worker look their tasks up in the default app.
    app.set_default()
    yield app
    product.set_default()


@pytest.fixture(scope="module")
def look(app: celery.Celery) -> Any:
    """A job that notes its scope and how often it has run, and fails as often as it is told."""

    @app.task(bind=True, name="look", shared=False)
    def look(self: Any, mark: Any, retries: int = 0) -> Any:
        journal.note(mark, active_scope(), self.request.retries)
        if self.request.retries < retries:
            raise self.retry(countdown=0)
        return active_scope()

    return look


@pytest.fixture(scope="module")
def sweep(app: celery.Celery) -> Any:
    """A job of the platform that notes its scope."""

    @app.task(name="sweep", shared=False, platform=True)
    def sweep() -> Any:
        journal.note("platform", active_scope(), 0)
        return active_scope()

    return sweep


@pytest.fixture(scope="module")
def _worker(app: celery.Celery, look: Any, sweep: Any) -> Iterator[None]:
    jobs = EmbeddedJobs(app)
    jobs.start()
    yield
    jobs.stop()


@pytest.fixture
def eager(app: celery.Celery) -> Iterator[None]:
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def test_products_tasks_are_tenant_tasks() -> None:
    product.loader.import_default_modules()
    ours = {
        name: task
        for name, task in product.tasks.items()
        if name.partition(".")[0] in {"tenants", "knowledge", "conversations", "reporting"}
    }

    assert ours
    assert [name for name, task in ours.items() if not isinstance(task, TenantTask)] == []


def test_scheduled_tasks_exist_and_need_no_tenant(settings: Any) -> None:
    product.loader.import_default_modules()

    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert product.tasks[entry["task"]].platform is True


@pytest.mark.usefixtures("_worker")
def test_job_carries_its_tenant_and_keeps_it_when_retried(look: Any) -> None:
    with tenant_scope(7):
        look.delay("seven", retries=2)
    with tenant_scope(8):
        look.delay("eight")

    assert sorted(journal.wait(4)) == [
        ("eight", 8, 0),
        ("seven", 7, 0),
        ("seven", 7, 1),
        ("seven", 7, 2),
    ]


@pytest.mark.usefixtures("_worker")
def test_interleaved_jobs_of_many_tenants_keep_apart(look: Any) -> None:
    for number in range(JOBS):
        with tenant_scope(number % TENANTS + 1):
            look.delay(number)

    seen = journal.wait(JOBS)

    assert sorted(seen) == [(number, number % TENANTS + 1, 0) for number in range(JOBS)]


@pytest.mark.usefixtures("_worker")
def test_scope_of_a_job_ends_with_it(look: Any, sweep: Any) -> None:
    for _turn in range(5):
        with tenant_scope(7):
            look.delay("seven")
        sweep.delay()

    assert sorted(journal.wait(10), key=str) == [("platform", None, 0)] * 5 + [("seven", 7, 0)] * 5


@pytest.mark.usefixtures("_worker")
def test_job_from_outside_without_a_tenant_does_not_run(
    app: celery.Celery, look: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app.send_task("look", args=["smuggled"])
    for mark in range(4):
        with tenant_scope(7):
            look.delay(mark)

    assert sorted(journal.wait(4)) == [(mark, 7, 0) for mark in range(4)]
    deadline = time.monotonic() + WAIT_SECONDS
    while "TenantScopeError" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "look: a task needs a tenant in scope" in caplog.text


def test_job_is_not_sent_without_a_tenant(look: Any) -> None:
    with pytest.raises(TenantScopeError, match="look: a task needs a tenant in scope"):
        look.delay("nobody")
    with platform_scope("a test"), pytest.raises(TenantScopeError):
        look.delay("everybody")


@pytest.mark.usefixtures("eager")
def test_platform_job_takes_whatever_scope_there_is(sweep: Any) -> None:
    assert sweep.delay().result is None
    with platform_scope("a test"):
        assert sweep.delay().result is PLATFORM


@pytest.mark.usefixtures("eager")
def test_eager_and_direct_calls_take_the_scope_of_their_caller(look: Any) -> None:
    with tenant_scope(7):
        assert look.delay("eager").result == 7
        assert look("direct") == 7
    with pytest.raises(TenantScopeError):
        look("direct")
    assert active_scope() is None


@pytest.mark.usefixtures("eager")
def test_header_wins_over_the_scope_of_the_worker(look: Any) -> None:
    with tenant_scope(7):
        assert look.apply_async(args=["other"], headers={HEADER: 8}).result == 8
        assert active_scope() == 7
