"""Deferred values: computed once, when they are asked for."""

import copy
import pickle
import threading
import time

import pytest

from gatecast._utils.deferred import Deferred


def test_a_value_is_computed_once_and_what_it_came_from_is_released():
    calls = []
    deferred = Deferred(lambda: calls.append(1) or len(calls))
    assert repr(deferred) == "Deferred(not computed yet)"
    assert not calls
    assert (deferred.value, deferred.value) == (1, 1)
    assert deferred._compute is None
    assert repr(deferred) == "Deferred(1)"


def test_none_is_a_value():
    calls = []
    deferred = Deferred(lambda: calls.append(1))
    assert deferred.value is None
    assert deferred.value is None
    assert len(calls) == 1


def test_an_error_is_raised_and_the_next_one_who_asks_computes_again():
    results = iter([ValueError("no"), 5])

    def compute():
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    deferred = Deferred(compute)
    with pytest.raises(ValueError, match="no"):
        deferred.compute()
    assert deferred.value == 5


def test_what_is_made_of_a_value_waits_with_it():
    calls = []
    first = Deferred(lambda: calls.append(1) or 20)
    second = first.then(lambda value: value + 1)
    assert not calls
    assert second.value == 21
    assert first.value == 20
    assert len(calls) == 1


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_have_the_value(again):
    assert again(Deferred(lambda: [1, 2])).value == [1, 2]
    assert again(Deferred.known([3])).value == [3]


def test_threads_that_ask_at_the_same_time_wait_for_one_computation():
    calls, values = [], []
    deferred = Deferred(lambda: time.sleep(0.05) or calls.append(1) or 7)
    threads = [threading.Thread(target=lambda: values.append(deferred.value)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values == [7] * 8
    assert len(calls) == 1
