"""The native path equals the reference, on every instruction-set level, for any thread count, at odd sizes.

Letters: B batch, T time, F features, H hidden.
"""

from functools import lru_cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast import _native, recurrent, reference
from gatecast.arrays import length_mask, pack, pack_mask, pack_state, unpack, unpack_state
from gatecast.errors import ConfigError, DataError, GatecastError
from tolerances import rounding

SIZES = list(product((1, 7, 50, 129), (1, 31, 33, 256), (1, 24)))
PEEPHOLES = (None, "diagonal", "full")


@pytest.fixture(params=recurrent.isas(), autouse=True)
def isa(request):
    before = recurrent.isa()
    recurrent.set_isa(request.param)
    yield request.param
    recurrent.set_isa(before)


def make_case(H, B, T, F, peephole, *, masked, stateful, seed=0):
    """Random weights, inputs and gradients of y, hT and cT, float32."""
    rng = np.random.default_rng([seed, H, B, T, F])

    def draw(*shape, scale=1.0):
        return rng.normal(0, scale, shape).astype(np.float32)

    params = {"Wx": draw(F, 4 * H, scale=0.5), "Wh": draw(H, 4 * H, scale=H**-0.5), "b": draw(4 * H, scale=0.5)}
    if peephole == "diagonal":
        params["P"] = draw(3 * H, scale=0.5)
    if peephole == "full":
        params["P"] = draw(H, 3 * H, scale=0.5 * H**-0.5)
    mask = rng.random((B, T)) < 0.7 if masked else None
    x = draw(B, T, F) if mask is None else np.where(mask[:, :, None], draw(B, T, F), np.float32(0))
    state = (draw(B, H, scale=0.5), draw(B, H, scale=0.5)) if stateful else (None, None)
    return params, x, state, mask, (draw(B, T, H), draw(B, H), draw(B, H))


@lru_cache(maxsize=256)
def expected(*case, **kwargs):
    """Outputs, gates and gradients of the reference for a case."""
    params, x, (h0, c0), mask, (dy, dhT, dcT) = make_case(*case, **kwargs)
    y, (hT, cT), cache = reference.lstm_forward(params, x, h0, c0, mask)
    dx, (dh0, dc0), grads = reference.lstm_backward(params, cache, dy, dhT, dcT)
    return {"y": y, "hT": hT, "cT": cT, "dx": dx, "dh0": dh0, "dc0": dc0} | {f"d{n}": g for n, g in grads.items()}


def packed_state(state):
    return tuple(None if s is None else pack_state(s) for s in state)


def native(*case, **kwargs):
    """The same quantities from the kernels."""
    params, x, state, mask, (dy, dhT, dcT) = make_case(*case, **kwargs)
    B = len(x)
    h0, c0 = packed_state(state)
    y, (hT, cT), cache = recurrent.lstm_forward(params, pack(x), h0, c0, None if mask is None else pack_mask(mask))
    dx, dstate, grads = recurrent.lstm_backward(params, cache, pack(dy), pack_state(dhT), pack_state(dcT))
    got = {"y": unpack(y, B), "hT": unpack_state(hT, B), "cT": unpack_state(cT, B), "dx": unpack(dx, B)}
    if dstate is not None:
        got |= {"dh0": unpack_state(dstate[0], B), "dc0": unpack_state(dstate[1], B)}
    return got | {f"d{name}": g for name, g in grads.items()}


def assert_equal_to_reference(got, want, terms):
    for name, value in got.items():
        bound = rounding(terms) * max(1.0, float(np.abs(want[name]).max()))
        np.testing.assert_allclose(value, want[name], rtol=0, atol=bound, err_msg=name)


@pytest.mark.parametrize("peephole", PEEPHOLES)
@pytest.mark.parametrize(("H", "B", "T"), SIZES)
@pytest.mark.usefixtures("threads")
def test_equals_reference_and_does_not_depend_on_threads(H, B, T, peephole):
    variant = {"masked": (H + B + T) % 2 == 0, "stateful": (H + T) % 3 != 0}
    case = (H, B, T, 1 + H % 5, peephole)
    want = expected(*case, **variant)
    runs = []
    for n in (1, 2, 3):
        recurrent.set_threads(n)
        runs.append(native(*case, **variant))
    assert_equal_to_reference(runs[0], want, terms=T * (H + 5) * 8)
    for other in runs[1:]:
        for name, value in runs[0].items():
            assert value.tobytes() == other[name].tobytes(), f"{name} depends on the thread count"


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("peephole", PEEPHOLES)
def test_gates_are_those_of_the_reference(peephole, masked):
    params, x, _, mask, _ = case = make_case(10, 20, 6, 3, peephole, masked=masked, stateful=False)
    _, _, cache = recurrent.lstm_forward(params, pack(x), mask=None if mask is None else pack_mask(mask))
    _, _, want = reference.lstm_forward(params, x, mask=mask)
    here = np.ones(x.shape[:2], bool) if mask is None else mask
    gates = np.split(unpack(cache.gates, len(x)), 4, axis=2)
    for name, gate in zip("ifog", gates, strict=True):
        np.testing.assert_allclose(gate[here], want[name][here], rtol=0, atol=rounding(6 * 13), err_msg=name)
    assert len(case) == 5


@pytest.mark.parametrize("peephole", PEEPHOLES)
def test_prediction_has_the_bits_of_training(peephole):
    params, x, state, mask, _ = make_case(9, 18, 7, 2, peephole, masked=True, stateful=True)
    args = (params, pack(x), *packed_state(state), pack_mask(mask))
    y, (hT, cT), _ = recurrent.lstm_forward(*args)
    for sequences in (True, False):
        y2, (h2, c2) = recurrent.lstm_predict(*args, sequences=sequences)
        assert (y2 is None) is not sequences
        assert y2 is None or y2.tobytes() == y.tobytes()
        assert (h2.tobytes(), c2.tobytes()) == (hT.tobytes(), cT.tobytes())


@pytest.mark.parametrize("peephole", PEEPHOLES)
def test_two_halves_with_the_state_handed_over_are_one_run(peephole):
    params, x, _, _, _ = make_case(11, 5, 9, 3, peephole, masked=False, stateful=False)
    whole, last, _ = recurrent.lstm_forward(params, pack(x))
    zero = np.zeros((1, 11, 16), np.float32)
    first, state, _ = recurrent.lstm_forward(params, pack(x[:, :4]), zero, zero)
    second, end, _ = recurrent.lstm_forward(params, pack(x[:, 4:]), *state)
    assert np.concatenate([first, second], axis=1).tobytes() == whole.tobytes()
    assert [s.tobytes() for s in end] == [s.tobytes() for s in last]


def test_a_sequence_does_not_feel_its_neighbours():
    params, x, _, _, _ = make_case(7, 40, 5, 2, None, masked=False, stateful=False)
    y, _, _ = recurrent.lstm_forward(params, pack(x))
    alone, _, _ = recurrent.lstm_forward(params, pack(x[37:38]))
    assert unpack(y, 40)[37].tobytes() == unpack(alone, 1)[0].tobytes()


def test_what_a_mask_hides_never_matters():
    params, x, _, mask, (dy, dhT, dcT) = make_case(6, 17, 8, 2, "diagonal", masked=True, stateful=False)
    other = np.where(mask[:, :, None], x, np.float32(1e6))
    results = []
    for values in (x, other):
        y, state, cache = recurrent.lstm_forward(params, pack(values), mask=pack_mask(mask))
        dx, _, grads = recurrent.lstm_backward(params, cache, pack(dy), pack_state(dhT), pack_state(dcT))
        results.append([a.tobytes() for a in (y, *state, dx, *grads.values())])
        assert np.all(unpack(dx, len(x))[~mask] == 0)
    assert results[0] == results[1]


def test_right_padding_under_a_mask_changes_nothing():
    params, x, _, _, _ = make_case(6, 4, 5, 2, "full", masked=False, stateful=False)
    padded = np.concatenate([x, np.full((4, 3, 2), 9, np.float32)], axis=1)
    mask = np.arange(8)[None, :] < np.full((4, 1), 5)
    _, want, _ = recurrent.lstm_forward(params, pack(x))
    _, got, _ = recurrent.lstm_forward(params, pack(padded), mask=pack_mask(mask))
    assert [unpack_state(s, 4).tobytes() for s in got] == [unpack_state(s, 4).tobytes() for s in want]


def test_lengths_stop_each_sequence_where_it_ends():
    params, x, _, _, _ = make_case(6, 4, 5, 2, "diagonal", masked=False, stateful=False)
    _, got, _ = recurrent.lstm_forward(params, pack(x), mask=pack_mask(length_mask([5, 3, 1, 0], 5)))
    for s, length in enumerate((5, 3, 1)):
        _, want, _ = recurrent.lstm_forward(params, pack(x[s : s + 1, :length]))
        for a, b in zip(got, want, strict=True):
            assert unpack_state(a, 4)[s].tobytes() == unpack_state(b, 1)[0].tobytes()
    assert not unpack_state(got[0], 4)[3].any()


@pytest.mark.parametrize("lengths", [[6], [-1], [1.5], [[1]]])
def test_impossible_lengths_are_refused(lengths):
    with pytest.raises(DataError, match=r"these are not lengths: got .*, expected whole numbers from 0 to 5"):
        length_mask(lengths, 5)


def test_missing_gradients_are_zero_gradients():
    params, x, _, _, (_, dhT, _) = make_case(5, 3, 4, 2, None, masked=False, stateful=False)
    packs = []
    for dy in (None, np.zeros((1, 4, 5, 16), np.float32)):
        _, _, cache = recurrent.lstm_forward(params, pack(x))
        dx, _, grads = recurrent.lstm_backward(params, cache, dy, pack_state(dhT))
        packs.append([a.tobytes() for a in (dx, *grads.values())])
    assert packs[0] == packs[1]


def test_a_cache_serves_once():
    params, x, _, _, (dy, _, _) = make_case(3, 2, 2, 1, None, masked=False, stateful=False)
    _, _, cache = recurrent.lstm_forward(params, pack(x))
    recurrent.lstm_backward(params, cache, pack(dy))
    with pytest.raises(GatecastError, match="cache of an LSTM was used twice"):
        recurrent.lstm_backward(params, cache, pack(dy))


@settings(max_examples=40, deadline=None)
@given(B=st.integers(1, 40), T=st.integers(1, 5), K=st.integers(1, 30), M=st.integers(1, 40))
def test_dense_equals_reference(B, T, K, M):
    rng = np.random.default_rng([B, T, K, M])
    x, dy = rng.normal(size=(B, T, K)).astype("f"), rng.normal(size=(B, T, M)).astype("f")
    params = {"W": rng.normal(size=(K, M)).astype("f"), "b": rng.normal(size=M).astype("f")}
    dx, grads = recurrent.dense_backward(params, pack(x), pack(dy))
    want_dx, want = reference.dense_backward(params, x, dy)
    got = {"y": unpack(recurrent.dense_forward(params, pack(x)), B), "dx": unpack(dx, B)} | grads
    assert_equal_to_reference(got, {"y": reference.dense_forward(params, x), "dx": want_dx} | want, B * T + K + M)


@pytest.mark.usefixtures("threads")
def test_dense_does_not_depend_on_threads():
    rng = np.random.default_rng(0)
    x, dy = (rng.normal(size=(9, 33, n, 16)).astype("f") for n in (5, 70))
    params = {"W": rng.normal(size=(5, 70)).astype("f"), "b": np.ones(70, np.float32)}
    runs = set()
    for n in (1, 2, 3):
        recurrent.set_threads(n)
        dx, grads = recurrent.dense_backward(params, x, dy)
        y = recurrent.dense_forward(params, x)
        runs.add(b"".join(a.tobytes() for a in (y, dx, grads["W"], grads["b"])))
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("code", "function", "low", "high", "bound"),
    # Bounds of relative error as native/simd.h states them.
    [
        (0, np.exp, -87.3, 87.3, 2.5e-7),
        (1, lambda z: 1 / (1 + np.exp(-z)), -87.3, 87.3, 4e-7),
        (2, np.tanh, -20.0, 20.0, 5e-7),
    ],
)
def test_activations_keep_their_stated_error(code, function, low, high, bound):
    z = np.concatenate([np.linspace(low, high, 200_001), np.geomspace(1e-30, 1, 1000)]).astype(np.float32)
    got = _native.apply(code, z).astype(np.float64)
    want = function(z.astype(np.float64))
    zero = want == 0
    assert np.max(np.abs(got - want)[~zero] / np.abs(want[~zero])) < bound
    assert not got[zero].any()


def test_activations_at_the_edges():
    edges = np.array([np.nan, np.inf, -np.inf, 0.0], np.float32)
    exp, sigmoid, tanh = (_native.apply(code, edges) for code in range(3))
    assert np.isnan([exp[0], sigmoid[0], tanh[0]]).all()
    assert (exp[3], sigmoid[3], tanh[3]) == (1.0, 0.5, 0.0)
    assert sigmoid[1] == 1.0
    assert 0 < sigmoid[2] < 1e-37
    np.testing.assert_allclose(tanh[1:3], [1, -1], atol=5e-7)


@pytest.mark.usefixtures("threads")
def test_dropout_keeps_the_share_and_the_mean():
    x = np.ones((7, 30, 50, 16), np.float32)
    recurrent.set_threads(1)
    y = recurrent.dropout(x, 0.2, key=123)
    share = float((y == 0).mean())
    assert abs(share - 0.2) < 5 * np.sqrt(0.2 * 0.8 / x.size)
    assert np.unique(y).tolist() == [0.0, float(np.float32(1) / (np.float32(1) - np.float32(0.2)))]
    recurrent.set_threads(3)
    assert recurrent.dropout(x, 0.2, key=123).tobytes() == y.tobytes()


def test_dropout_masks_of_neighbouring_keys_and_places_are_independent():
    x = np.ones((1, 64, 64, 16), np.float32)
    drops = [recurrent.dropout(x, 0.5, key=k).ravel() == 0 for k in (5, 6, 5 + 2**32, 2**63 - 1)]
    bound = 5 / np.sqrt(x.size)
    for a, b in ((drops[i], drops[j]) for i in range(4) for j in range(i)):
        assert abs(np.corrcoef(a, b)[0, 1]) < bound
    for lag in (1, 2, 16, 1024):
        assert abs(np.corrcoef(drops[0][lag:], drops[0][:-lag])[0, 1]) < bound


def test_adam_equals_reference():
    rng = np.random.default_rng(0)
    m, v = np.zeros(37, np.float32), np.zeros(37, np.float32)
    m64, v64 = m.astype(float), v.astype(float)
    for step in range(1, 6):
        g = rng.normal(size=37).astype(np.float32)
        m64, v64, want = reference.adam(m64, v64, g.astype(float), 0.9, 0.999, 1e-7, step)
        recurrent.adam(m, v, g, 0.9, 0.999, 1e-7, step)
        np.testing.assert_allclose(g, want, rtol=0, atol=rounding(50))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"x": np.zeros((1, 2, 3), "f")}, "x must have four axes"),
        ({"x": np.zeros((1, 0, 3, 16), "f")}, "at least one of everything"),
        ({"x": np.zeros((1, 2, 3, 8), "f")}, r"x has shape \(1, 2, 3, 8\), expected \(1, 2, 3, 16\)"),
        ({"b": np.zeros(5, "f")}, r"b has shape \(5\), expected \(8\)"),
        ({"Wx": np.zeros((4, 8), "f")}, r"Wx has shape \(4, 8\), expected \(3, 8\)"),
        ({"P": np.zeros((3, 3), "f")}, r"P has shape \(3, 3\), expected \(2, 6\)"),
        ({"h0": np.zeros((2, 2, 16), "f")}, r"h0 has shape \(2, 2, 16\), expected \(1, 2, 16\)"),
        ({"mask": np.zeros((1, 3, 16), "f")}, r"mask has shape \(1, 3, 16\), expected \(1, 2, 16\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(change, text):
    arrays = {"x": (1, 2, 3, 16), "Wx": (3, 8), "Wh": (2, 8), "b": (8,)}
    given = {name: np.zeros(shape, np.float32) for name, shape in arrays.items()} | change
    params = {name: given[name] for name in ("Wx", "Wh", "b", "P") if name in given}
    with pytest.raises(ValueError, match=text):
        recurrent.lstm_forward(params, given["x"], given.get("h0"), None, given.get("mask"))


@pytest.mark.parametrize("bad", [np.zeros((1, 2, 3, 16)), np.zeros((1, 2, 3, 32), "f")[..., ::2], None, "x"])
def test_types_and_strides_that_do_not_fit_are_refused(bad):
    params = {"Wx": np.zeros((3, 8), "f"), "Wh": np.zeros((2, 8), "f"), "b": np.zeros(8, "f")}
    with pytest.raises(TypeError):
        recurrent.lstm_forward(params, bad)


@pytest.mark.parametrize("n", [0, -1, 257, 1.5, "two", True])
def test_impossible_thread_counts_are_refused(n):
    with pytest.raises(ConfigError, match="whole number from 1 to 256"):
        recurrent.set_threads(n)


def test_unknown_level_is_refused():
    with pytest.raises(ConfigError, match="unknown instruction-set level"):
        recurrent.set_isa("v9")
