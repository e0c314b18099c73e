"""Training equals that of Keras, as recorded: losses by epoch, metrics, weights, schedules.

scripts/make_golden.py records the file; `make test-peers` runs Keras itself.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from keras_training import PASS, compile_like, equal_losses, equal_outputs, equal_training
from tolerances import close, rounding

from gatecast.layers import LSTM, Dense, Input
from gatecast.models import Sequential
from gatecast.optimizers import SGD, Adam, schedules
from gatecast.optimizers.schedules import ExponentialDecay

GOLDEN = json.loads((Path(__file__).parent / "golden" / "keras_training.json").read_text())


def name_of(case):
    """Return a case as text."""
    return f"{case['name']} {json.dumps(case.get('settings', case.get('arguments', '')))}"


@pytest.mark.parametrize("case", GOLDEN["trainings"], ids=name_of)
def test_every_optimizer_trains_as_in_keras(case):
    equal_training(GOLDEN["problem"], case)


@pytest.mark.parametrize("case", GOLDEN["losses"], ids=name_of)
def test_every_loss_with_weights_trains_as_in_keras(case):
    equal_losses(GOLDEN["problem"], case)


@pytest.mark.parametrize("case", GOLDEN["outputs"], ids=lambda case: json.dumps(case["settings"]))
def test_several_outputs_train_and_are_named_as_in_keras(case):
    equal_outputs(GOLDEN["problem"], case)


def test_every_metric_is_that_of_keras():
    names = [name for name in GOLDEN["metrics"] if name != "loss"]
    model, x, y = compile_like(GOLDEN["problem"], "sgd", "mse", metrics=names)
    values = model.evaluate(x, y, return_dict=True)
    assert list(values) == ["loss", *names]
    for name, value in values.items():
        close(value, GOLDEN["metrics"][name], rounding(PASS), scale=abs(GOLDEN["metrics"][name]))


@pytest.mark.parametrize("case", GOLDEN["schedules"], ids=name_of)
def test_every_schedule_is_that_of_keras(case):
    schedule = getattr(schedules, case["name"])(*case["arguments"])
    # Keras computes schedules in float32: a power, a cosine, a few products.
    close([schedule(step) for step in range(40)], case["answer"], rounding(10), scale=max(case["answer"]))


@pytest.mark.parametrize("make", [lambda: SGD(0.05, momentum=0.9), lambda: Adam(ExponentialDecay(0.05, 5, 0.5))])
def test_a_model_compiled_with_the_optimizer_that_it_has_goes_on(make):
    x = np.random.default_rng(0).normal(size=(40, 5, 2)).astype(np.float32)

    def losses(compile_again):
        model = Sequential([Input((5, 2)), LSTM(3), Dense(1)], seed=0)
        optimizer = make()
        history = []
        for part in range(3):
            if part == 0 or compile_again:
                model.compile(make() if compile_again == "anew" else optimizer, "mse")
            history += model.fit(x, x[:, -1, :1], epochs=2, shuffle=False, verbose=0).history["loss"]
        return history, model.optimizer.iterations

    on = losses("")
    assert losses("same") == on
    assert on[1] == 12
    anew = losses("anew")
    assert anew[0] != on[0]
    assert anew[1] == 4
