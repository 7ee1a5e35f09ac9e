"""The circuit breaker, by a clock of its own."""

from tenants.breaker import CircuitBreaker


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(failures=3, rest_seconds=30, now=clock)


def fail(circuit: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        assert circuit.admit()
        circuit.failed()


def test_two_failures_in_a_row_close_nothing() -> None:
    circuit = breaker(Clock())

    fail(circuit, 2)
    circuit.succeeded()
    fail(circuit, 2)

    assert circuit.admit()
    assert not circuit.is_open


def test_three_failures_in_a_row_keep_callers_away_for_the_rest() -> None:
    clock = Clock()
    circuit = breaker(clock)

    fail(circuit, 3)

    assert circuit.is_open
    assert not circuit.admit()
    clock.at += 29.9
    assert not circuit.admit()


def test_after_the_rest_one_caller_tries_for_all() -> None:
    clock = Clock()
    circuit = breaker(clock)
    fail(circuit, 3)
    clock.at += 30

    assert circuit.admit()
    assert not circuit.admit()
    circuit.succeeded()
    assert circuit.admit()


def test_a_failed_trial_begins_the_rest_anew() -> None:
    clock = Clock()
    circuit = breaker(clock)
    fail(circuit, 3)
    clock.at += 30
    assert circuit.admit()

    circuit.failed()

    clock.at += 29
    assert not circuit.admit()
    clock.at += 1
    assert circuit.admit()
