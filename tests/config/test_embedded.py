"""The parts of the embedded server that need no server: jobs in threads, and the port."""

import socket
import threading
import time
from collections.abc import Iterator

import celery
import pytest

from config.celery import app as product
from config.embedded import EmbeddedJobs, PortUnavailableError, is_in_memory, require_free_port

WAIT_SECONDS = 10


@pytest.fixture
def broker() -> Iterator[celery.Celery]:
    app = celery.Celery("embedded-test", broker="memory://localhost/", set_as_current=False)
    app.conf.update(
        task_default_queue="embedded-test",
        broker_transport_options={"polling_interval": 0.05},
        worker_hijack_root_logger=False,
        task_ignore_result=True,
    )
    # Threads of a worker look their tasks up in the default app.
    app.set_default()
    yield app
    product.set_default()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_jobs_run_in_threads_and_stop_waits_for_the_one_in_hand(broker: celery.Celery) -> None:
    threads: dict[str, str] = {}
    done = {what: threading.Event() for what in ("queued", "ticked", "begun", "ended")}

    def note(what: str) -> None:
        threads[what] = threading.current_thread().name
        done[what].set()

    @broker.task(name="slow")
    def slow() -> None:
        note("begun")
        time.sleep(0.5)
        note("ended")

    task = broker.task(note, name="note")
    broker.conf.beat_schedule = {"tick": {"task": "note", "schedule": 0.5, "args": ["ticked"]}}
    jobs = EmbeddedJobs(broker)

    jobs.start()
    task.delay("queued")
    slow.delay()
    arrived = {what: done[what].wait(WAIT_SECONDS) for what in ("queued", "ticked", "begun")}
    jobs.stop()

    assert arrived == {"queued": True, "ticked": True, "begun": True}
    assert done["ended"].is_set()
    assert threading.current_thread().name not in threads.values()
    assert not [t.name for t in threading.enumerate() if t.name.startswith("celery-")]


def test_job_of_any_thread_goes_to_the_products_broker() -> None:
    seen: list[celery.Celery] = []

    thread = threading.Thread(target=lambda: seen.append(celery.current_app._get_current_object()))
    thread.start()
    thread.join()

    assert seen == [product]


@pytest.mark.parametrize(
    ("url", "expected"),
    [("memory://", True), ("memory://localhost/", True), ("redis://127.0.0.1:6379/0", False)],
)
def test_only_a_memory_broker_is_bound_to_the_process(url: str, expected: bool) -> None:
    app = celery.Celery("url-test", broker=url, set_as_current=False)

    assert is_in_memory(app) is expected


def test_free_port_is_accepted() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    require_free_port("127.0.0.1", port)


def test_taken_port_is_refused_in_one_sentence(taken_port: int) -> None:
    with pytest.raises(PortUnavailableError) as refused:
        require_free_port("127.0.0.1", taken_port)

    assert str(refused.value) == (
        f"Port {taken_port} is already in use: stop what uses it, or choose another,"
        f" for example PORT={taken_port + 1}."
    )


def test_address_of_another_machine_is_refused() -> None:
    with pytest.raises(PortUnavailableError, match=r"192\.0\.2\.1:8000 cannot be listened on"):
        require_free_port("192.0.2.1", 8000)
