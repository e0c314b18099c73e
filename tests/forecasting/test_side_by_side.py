"""Trainings side by side: results in order, records in the caller's thread, errors and interrupts that end all."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from gatecast.forecasting.base import Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.median import MedianOf
from gatecast.forecasting.panel_rnn.model import LSTMConfig
from gatecast.forecasting.side_by_side import in_background, train_side_by_side
from gatecast.kernels.runtime import get_num_threads, set_num_threads
from gatecast.nn.training import StepRecord


@pytest.fixture
def two_threads():
    before = get_num_threads()
    set_num_threads(2)
    yield
    set_num_threads(before)


def training(k, n_steps=3):
    """Report as many records, and return a number."""

    def train(report):
        for number in range(1, n_steps + 1):
            report(StepRecord(number, 0.0, member=k))
        return k

    return train


@pytest.mark.usefixtures("two_threads")
def test_train_side_by_side_returns_results_in_order_and_reports_in_the_callers_thread():
    seen = []
    results = train_side_by_side(
        [training(k) for k in range(5)], lambda step: seen.append((threading.get_ident(), step))
    )
    assert results == [0, 1, 2, 3, 4]
    assert {thread for thread, _ in seen} == {threading.get_ident()}
    for k in range(5):
        assert [step.number for _, step in seen if step.member == k] == [1, 2, 3]


@pytest.mark.usefixtures("two_threads")
def test_train_side_by_side_runs_two_at_a_time():
    meet = threading.Barrier(2, timeout=20)
    assert train_side_by_side([lambda report: meet.wait() >= 0] * 4) == [True] * 4  # noqa: ARG005


def endless(report):
    while True:
        time.sleep(0.001)
        report(StepRecord(1, 0.0))


@pytest.mark.usefixtures("two_threads")
def test_train_side_by_side_an_error_ends_the_others():
    def fails(report):
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        train_side_by_side([endless, fails, endless])


@pytest.mark.usefixtures("two_threads")
def test_train_side_by_side_an_interrupted_callback_ends_all():
    def interrupt(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_side_by_side([endless, endless], interrupt)


@pytest.mark.slow
def test_median_of_networks_has_the_same_bits_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    context = PanelContext.from_values(50 + np.cumsum(rng.normal(size=(40, 60)), axis=1))
    config = LSTMConfig(6, units=8, n_origins=12, max_steps=8, batch_size=32)
    before, forecasts, fractions = get_num_threads(), [], []
    try:
        for n_threads in (1, 2, 3):
            set_num_threads(n_threads)
            steps: list[float] = []
            model = MedianOf((config,) * 3).fit(
                context, Task(4), on_step=lambda step, steps=steps: steps.append(step.fraction)
            )
            forecasts.append(model.predict_quantiles(context))
            fractions.append(steps)
    finally:
        set_num_threads(before)
    np.testing.assert_array_equal(forecasts[1], forecasts[0])
    np.testing.assert_array_equal(forecasts[2], forecasts[0])
    for steps in fractions:
        assert steps == sorted(steps)
        assert steps[-1] == 1.0


def test_in_background_works_while_the_caller_goes_on():
    began, may_end = threading.Event(), threading.Event()

    def work():
        began.set()
        assert may_end.wait(10)
        return threading.current_thread()

    with in_background(work) as result:
        assert began.wait(10)
        may_end.set()
    assert result() is not threading.current_thread()


def test_in_background_raises_the_error_of_the_work_also_where_nobody_asks_for_the_result():
    for ask in (lambda result: result(), lambda _: None):
        with pytest.raises(ZeroDivisionError), in_background(lambda: 1 // 0) as result:
            ask(result)


def test_in_background_does_not_wait_for_the_work_where_the_caller_is_interrupted():
    may_end, ended = threading.Event(), threading.Event()

    def work():
        may_end.wait(30)
        ended.set()

    with pytest.raises(KeyboardInterrupt), in_background(work):
        raise KeyboardInterrupt
    assert not ended.is_set()
    may_end.set()
    assert ended.wait(10)


@pytest.mark.slow
def test_in_background_does_not_keep_an_interrupted_process():
    code = """
import time
from gatecast.forecasting.side_by_side import in_background
try:
    with in_background(lambda: time.sleep(60)):
        raise KeyboardInterrupt
except KeyboardInterrupt:
    print("over")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr) == ("over\n", "")
