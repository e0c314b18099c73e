"""`check_layer` accepts a correct layer and names the check that a faulty one fails."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pytest

from gatecast.kernels import runtime
from gatecast.layers import LSTM, BatchNormalization, Dense, Dropout, Shape
from gatecast.testing import LAYER_CHECKS, check_layer
from gatecast.testing.layers import random_params


@dataclass(frozen=True)
class Faulty(LSTM):
    """An LSTM with an error in one place."""

    units: int = 4
    return_sequences: bool = True


class WrongShape(Faulty):
    def output_shape(self, in_shape: Shape) -> Shape:
        return (in_shape[0], 9)


class MissingGradient(Faulty):
    def backward(self, params, cache, dy, need_dx, *, dstate=None):
        dx, dinitial, grads = super().backward(params, cache, dy, need_dx, dstate=dstate)
        return dx, dinitial, {name: g for name, g in grads.items() if name != "b"}


class WrongGradient(Faulty):
    def backward(self, params, cache, dy, need_dx, *, dstate=None):
        dx, dinitial, grads = super().backward(params, cache, dy, need_dx, dstate=dstate)
        return dx, dinitial, grads | {"b": 1.1 * grads["b"]}


class WrongStateGradient(Faulty):
    def backward(self, params, cache, dy, need_dx, *, dstate=None):
        dx, dinitial, grads = super().backward(params, cache, dy, need_dx, dstate=dstate)
        return dx, dinitial and tuple(2 * d for d in dinitial), grads


class ChangesItsInput(Faulty):
    def forward(self, params, x, context, *, state=None):
        x *= np.float32(1.5)
        return super().forward(params, x, context, state=state)


class DependsOnThreads(Faulty):
    def forward(self, params, x, context, *, state=None):
        y, last, cache = super().forward(params, x, context, state=state)
        return y + np.float32(runtime.get_num_threads()), last, cache


class ReadsOtherSequences(Faulty):
    def forward(self, params, x, context, *, state=None):
        y, last, cache = super().forward(params, x, context, state=state)
        return y + y.sum(axis=(0, 3), keepdims=True), last, cache


@dataclass(frozen=True)
class IgnoresTheMask(Faulty):
    return_sequences: bool = False

    def forward(self, params, x, context, *, state=None):
        return super().forward(params, x, context._replace(mask=None), state=state)


class IgnoresTheState(Faulty):
    def forward(self, params, x, context, *, state=None):
        return super().forward(params, x, context, state=state and tuple(0 * s for s in state))


class KeepsItsCache(Faulty):
    def forward(self, params, x, context, *, state=None):
        return super().forward(params, x, context._replace(save_for_backward=True), state=state)


class AcceptsAnything(Faulty):
    def forward(self, params, x, context, *, state=None):
        values = np.zeros((1, 1, len(params["Wx"]), 16), np.float32) if x.ndim != 4 or not x.size else x
        return super().forward(params, values.astype(np.float32), context, state=state)


class GlobalRandomness(Faulty):
    def init(self, rng, in_shape):
        return super().init(np.random.default_rng(None if rng else 0), in_shape)


class SharesItsWeights(Faulty):
    def to_keras_weights(self, params):
        return [params[name] for name in self.param_names]

    def from_keras_weights(self, weights):
        return dict(zip(self.param_names, weights, strict=True))


class ForgetsASetting(Faulty):
    def __post_init__(self):
        object.__setattr__(self, "units", 1 + self.units)
        super().__post_init__()


FAULTS = {
    WrongShape: "shapes",
    MissingGradient: "shapes",
    WrongGradient: "gradients",
    WrongStateGradient: "state_gradients",
    ChangesItsInput: "same_bits",
    DependsOnThreads: "same_bits",
    ReadsOtherSequences: "padding_lanes",
    IgnoresTheMask: "masked_padding",
    IgnoresTheState: "streaming",
    KeepsItsCache: "prediction",
    AcceptsAnything: "refusals",
    GlobalRandomness: "initial_params",
    SharesItsWeights: "weights",
    ForgetsASetting: "config",
}


@pytest.mark.parametrize(("faulty", "check"), FAULTS.items(), ids=[kind.__name__ for kind in FAULTS])
def test_check_layer_of_a_faulty_layer_names_the_check(faulty, check):
    with pytest.raises(AssertionError, match=rf"^{faulty.__name__}\(.*breaks the contract of a layer:\n- {check}: "):
        check_layer(faulty(), checks=[check])


def test_check_layer_names_every_check_that_fails():
    with pytest.raises(AssertionError) as caught:
        check_layer(ReadsOtherSequences())
    failed = re.findall(r"^- (\w+): ", str(caught.value), re.MULTILINE)
    assert {"gradients", "padding_lanes", "batch_independence"} <= set(failed) < set(LAYER_CHECKS)


def test_every_check_catches_a_fault():
    assert {*FAULTS.values(), "batch_independence"} == LAYER_CHECKS.keys()


def test_check_layer_accepts_a_correct_layer_of_the_users_own():
    check_layer(Faulty())
    check_layer(Dropout(0.3), (4,))


def test_check_layer_restores_the_number_of_threads(threads):
    runtime.set_num_threads(2)
    check_layer(Dense(2), checks=["same_bits"])
    assert runtime.get_num_threads() == 2


def test_check_layer_with_exact_batches_refuses_rounding_errors():
    with pytest.raises(AssertionError, match="batch_independence"):
        check_layer(ReadsOtherSequences(), batch_exact=False, checks=["batch_independence"])
    check_layer(BatchNormalization(), batch_exact=False)


def test_random_params_are_never_zero_and_variances_positive(rng):
    params = random_params(BatchNormalization(), (5, 3), rng)
    assert all(p.all() for p in params.values())
    assert (params["moving_variance"] >= 0.5).all()
