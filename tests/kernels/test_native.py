"""The kernels equal the reference: every cell, every instruction-set level, any thread count, odd sizes.

Shapes: B sequences, T steps, F features, H units, R outputs, L lanes.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
import pytest
from cell_cases import every_variant, make_case, named
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import rounding

from gatecast.errors import ConfigError
from gatecast.kernels import _native, native, reference, runtime
from gatecast.kernels.cells import CELLS, StateNoise
from gatecast.kernels.packing import length_mask, pack, pack_mask, pack_state, padded_lanes, unpack, unpack_state

pytestmark = pytest.mark.usefixtures("every_isa")

SIZES = [(1, 1, 1), (7, 3, 24), (6, 31, 5), (50, 33, 24), (129, 5, 2), (9, 256, 3)]
LSTM_SIZES = list(product((1, 7, 50, 129), (1, 31, 33, 256), (1, 24)))
"""H, B and T."""


@lru_cache(maxsize=256)
def expected(*case):
    """Return outputs, states and gradients of the reference for a case."""
    cell, params, x, state, mask, noise, dy, dstate = make_case(*case)
    y, last, cache = reference.forward(cell, params, x, state, mask, noise)
    dx, first, grads = reference.backward(cell, params, cache, dy, dstate)
    named = {"y": y, "dx": dx} | {f"last {s}": v for s, v in zip(CELLS[cell].states, last, strict=True)}
    named |= {f"first {s}": v for s, v in zip(CELLS[cell].states, first, strict=True)}
    return named | {f"d{n}": g for n, g in grads.items()}


def packed(values, L):
    """Return a tuple of packed states; None stays None."""
    return None if values is None else tuple(None if v is None else pack_state(v, L) for v in values)


def packed_noise(noise, L):
    """Return noise in the layout of the kernels."""
    if noise is None:
        return None
    return StateNoise(
        pack_state(noise.dropout, L), tuple(z if isinstance(z, float) else pack(z, L) for z in noise.zoneout)
    )


def run(case, L=None, **options):
    """Run the kernels forward: y, last state, cache."""
    cell, params, x, state, mask, noise, _, _ = case
    L = L or padded_lanes(len(x))
    packed_mask = None if mask is None else pack_mask(mask, L)
    return native.forward(cell, params, pack(x, L), packed(state, L), packed_mask, packed_noise(noise, L), **options)


def run_kernel(*case, L=None):
    """Return the same quantities as `expected` from the kernels."""
    made = cell, params, x, _, _, _, dy, dstate = make_case(*case)
    B, L = len(x), L or padded_lanes(len(x))
    y, last, cache = run(made, L)
    dx, first, grads = native.backward(params, cache, pack(dy, L), packed(dstate, L))
    named = {"y": unpack(y, B), "dx": unpack(dx, B)}
    named |= {f"last {s}": unpack_state(v, B) for s, v in zip(CELLS[cell].states, last, strict=True)}
    if first is not None:
        named |= {f"first {s}": unpack_state(v, B) for s, v in zip(CELLS[cell].states, first, strict=True)}
    return named | {f"d{n}": g for n, g in grads.items()}


def assert_equal_to_reference(got, want, terms):
    """Assert that the kernels are within the rounding errors of a number of terms."""
    for name, value in got.items():
        bound = rounding(terms) * max(1.0, float(np.abs(want[name]).max()))
        np.testing.assert_allclose(value, want[name], rtol=0, atol=bound, err_msg=name)


@pytest.mark.slow
@every_variant
@pytest.mark.usefixtures("threads")
def test_kernels_of_any_size_equal_the_reference_for_any_number_of_threads(variant):
    for H, B, T in LSTM_SIZES if variant == "lstm" else SIZES:
        extras = "m" * ((H + B + T) % 2 == 0) + "s" * ((H + T) % 3 != 0) + "n" * ((H + B) % 3 == 0)
        case = (variant, H, B, T, 1 + H % 5, extras)
        want = expected(*case)
        runs = []
        for n in (1, 2, 3):
            runtime.set_num_threads(n)
            runs.append(run_kernel(*case))
        with named(f"H={H}, B={B}, T={T}, extras={extras!r}"):
            assert runs[0].keys() >= want.keys() - {name for name in want if name.startswith("first")}
            assert_equal_to_reference(runs[0], want, terms=T * (H + 5) * 8)
            for other in runs[1:]:
                for name, value in runs[0].items():
                    assert value.tobytes() == other[name].tobytes(), f"{name} depends on the number of threads"


@every_variant
def test_every_option_of_a_pass_equals_the_reference_in_lanes_and_alone(variant):
    for extras, L in product(("", "m", "s", "n", "msn"), (1, 16)):
        case = (variant, 10, 18, 6, 3, extras)
        with named(f"extras={extras!r}, L={L}"):
            assert_equal_to_reference(run_kernel(*case, L=L), expected(*case), terms=6 * 15 * 8)


@every_variant
def test_sequence_has_the_same_bits_alone_and_in_a_batch(variant):
    for H in (3, 8, 50):
        made = make_case(variant, H, 21, 5, 2, "msn")
        (y, last, _), (alone, alone_last, _) = run(made, 16), run(made, 1)
        with named(f"H={H}"):
            assert unpack(y, 21).tobytes() == unpack(alone, 21).tobytes()
            for a, b in zip(last, alone_last, strict=True):
                assert unpack_state(a, 21).tobytes() == unpack_state(b, 21).tobytes()


@every_variant
def test_large_weights_packed_and_split_for_one_sequence_give_the_same_bits(variant, threads):
    """Enough steps and units that the kernels of a single sequence pack Wh and split it over the threads."""
    made = make_case(variant, 132, 2, 20, 2)
    (y, _, _), (alone, _, _) = run(made, 16), run(made, 1)
    assert unpack(y, 2).tobytes() == unpack(alone, 2).tobytes()
    single = (*made[:2], made[2][:1], *made[3:])
    for n in (1, 2, 3):
        runtime.set_num_threads(n)
        assert run(single, 1)[0].tobytes() == alone[:1].tobytes()


@every_variant
def test_saved_rows_equal_the_tensors_of_the_reference(variant):
    made = cell, params, x, _, _, _, _, _ = make_case(variant, 10, 20, 6, 3)
    _, _, cache = run(made)
    _, _, want = reference.forward(cell, params, x)
    shared = [name for name in CELLS[cell].saved if name in want]
    assert set(CELLS[cell].gates) & set(CELLS[cell].saved) <= set(shared)
    for name in shared:
        got = unpack(np.ascontiguousarray(cache.saved_rows(name)), len(x))
        np.testing.assert_allclose(got, want[name], rtol=0, atol=rounding(6 * 13) * 4, err_msg=name)
    with pytest.raises(ConfigError, match=r"saved tensor \(.*\): got 'forget'"):
        cache.saved_rows("forget")


@every_variant
def test_pass_without_backward_has_the_same_bits(variant):
    made = make_case(variant, 9, 18, 7, 2, "ms")
    y, last, _ = run(made)
    for sequences in (True, False):
        y2, last2, cache = run(made, save_for_backward=False, return_sequences=sequences)
        assert cache is None
        assert (y2 is None) is not sequences
        assert y2 is None or y2.tobytes() == y.tobytes()
        assert [s.tobytes() for s in last2] == [s.tobytes() for s in last]


@every_variant
def test_two_halves_with_the_state_handed_over_have_the_bits_of_one_run(variant):
    for B, cut in product((2, 5), (1, 4, 8)):
        cell, params, x, *_ = make_case(variant, 11, B, 9, 3)
        whole, last, _ = native.forward(cell, params, pack(x))
        first, state, _ = native.forward(cell, params, pack(x[:, :cut]))
        second, end, _ = native.forward(cell, params, pack(x[:, cut:]), state)
        with named(f"B={B}, cut={cut}"):
            assert np.concatenate([first, second], axis=1).tobytes() == whole.tobytes()
            assert [s.tobytes() for s in end] == [s.tobytes() for s in last]


@every_variant
def test_masked_values_change_nothing(variant):
    for B in (3, 17):
        cell, params, x, _, mask, _, dy, dstate = make_case(variant, 6, B, 8, 2, "m")
        other, L = np.where(mask[:, :, None], x, np.float32(50)), padded_lanes(B)
        results = []
        for values in (x, other):
            y, state, cache = native.forward(cell, params, pack(values), mask=pack_mask(mask))
            dx, _, grads = native.backward(params, cache, pack(dy), packed(dstate, L))
            grads.pop("Wx")  # 0 * 50 is 0, but the sums take it in
            results.append([np.array(a) for a in (y, *state, dx, *grads.values())])
            assert np.all(unpack(dx, B)[~mask] == 0), f"B={B}"
        for a, b in zip(*results, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=f"B={B}")


@every_variant
def test_right_padding_under_a_mask_changes_nothing(variant):
    cell, params, x, *_ = make_case(variant, 6, 5, 5, 2)
    padded = np.concatenate([x, np.full((5, 3, 2), 9, np.float32)], axis=1)
    mask = np.arange(8)[None, :] < np.full((5, 1), 5)
    _, want, _ = native.forward(cell, params, pack(x))
    _, got, _ = native.forward(cell, params, pack(padded), mask=pack_mask(mask))
    for a, b in zip(got, want, strict=True):
        assert unpack_state(a, 5).tobytes() == unpack_state(b, 5).tobytes()


@every_variant
def test_length_mask_stops_each_sequence_at_its_end(variant):
    cell, params, x, *_ = make_case(variant, 6, 5, 5, 2)
    _, got, _ = native.forward(cell, params, pack(x), mask=pack_mask(length_mask([5, 3, 1, 0, 2], 5)))
    for s, length in enumerate((5, 3, 1)):
        _, want, _ = native.forward(cell, params, pack(x[s : s + 1, :length]))
        for a, b in zip(got, want, strict=True):
            assert unpack_state(a, 5)[s].tobytes() == unpack_state(b, 1)[0].tobytes()
    assert not unpack_state(got[0], 5)[3].any()


@every_variant
def test_missing_gradients_stand_for_zeros_and_a_cache_serves_twice(variant):
    made = _, params, _, _, _, _, _, dstate = make_case(variant, 5, 7, 4, 2)
    y, _, cache = run(made)
    results = []
    for dy in (None, np.zeros_like(y)):
        dx, _, grads = native.backward(params, cache, dy, packed(dstate, 16))
        results.append([a.tobytes() for a in (dx, *grads.values())])
    assert results[0] == results[1]


@every_variant
def test_padding_lanes_do_not_enter_a_gradient(variant):
    cell, params, x, _, _, _, dy, _ = make_case(variant, 5, 19, 4, 2)
    results = []
    for filler in (0, 3):
        values = pack(x)
        values[-1, ..., 3:] = filler
        _, _, cache = native.forward(cell, params, values)
        _, _, grads = native.backward(params, cache, pack(dy))
        results.append(grads)
    for name, grad in results[0].items():
        np.testing.assert_array_equal(grad, results[1][name])


@pytest.mark.usefixtures("threads")
def test_shapes_at_the_corners_of_the_schedule_equal_the_reference():
    """The numbers of groups and the filling of the rings depend on the shape."""
    for H, B, T in ((4, 600, 1), (4, 1, 200), (3, 2, 65), (4, 170, 3), (5, 4, 130)):
        case = ("gru", H, B, T, 2, "s")
        want = expected(*case)
        runs = []
        for n in (1, 3):
            runtime.set_num_threads(n)
            runs.append(run_kernel(*case))
        assert_equal_to_reference(runs[0], want, terms=T * H * 8 + B * T)
        assert [v.tobytes() for v in runs[0].values()] == [v.tobytes() for v in runs[1].values()]


@settings(max_examples=40, deadline=None)
@given(B=st.integers(1, 40), T=st.integers(1, 5), K=st.integers(1, 30), M=st.integers(1, 40))
def test_dense_equals_reference(B, T, K, M):
    rng = np.random.default_rng([B, T, K, M])
    x, dy = rng.normal(size=(B, T, K)).astype("f"), rng.normal(size=(B, T, M)).astype("f")
    params = {"W": rng.normal(size=(K, M)).astype("f"), "b": rng.normal(size=M).astype("f")}
    dx, grads = native.dense_backward(params, pack(x), pack(dy))
    want_dx, want = reference.dense_backward(params, x, dy)
    got = {"y": unpack(native.dense_forward(params, pack(x)), B), "dx": unpack(dx, B)} | grads
    assert_equal_to_reference(got, {"y": reference.dense_forward(params, x), "dx": want_dx} | want, B * T + K + M)


@pytest.mark.usefixtures("threads")
def test_dense_does_not_depend_on_threads():
    rng = np.random.default_rng(0)
    x, dy = (rng.normal(size=(9, 33, n, 16)).astype("f") for n in (5, 70))
    params = {"W": rng.normal(size=(5, 70)).astype("f"), "b": np.ones(70, np.float32)}
    runs = set()
    for n in (1, 2, 3):
        runtime.set_num_threads(n)
        dx, grads = native.dense_backward(params, x, dy)
        y = native.dense_forward(params, x)
        runs.add(b"".join(a.tobytes() for a in (y, dx, grads["W"], grads["b"])))
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("activation", "function", "low", "high", "bound"),
    # Bounds of relative error as the kernels state them.
    [
        ("exp", np.exp, -87.3, 87.3, 2.5e-7),
        ("sigmoid", lambda z: 1 / (1 + np.exp(-z)), -87.3, 87.3, 4e-7),
        ("tanh", np.tanh, -20.0, 20.0, 5e-7),
    ],
)
def test_activations_stay_within_their_stated_error(activation, function, low, high, bound):
    z = np.concatenate([np.linspace(low, high, 200_001), np.geomspace(1e-30, 1, 1000)]).astype(np.float32)
    got = getattr(_native.testing, activation)(z).astype(np.float64)
    want = function(z.astype(np.float64))
    zero = want == 0
    assert np.max(np.abs(got - want)[~zero] / np.abs(want[~zero])) < bound
    assert not got[zero].any()


def test_activations_at_the_edges():
    edges = np.array([np.nan, np.inf, -np.inf, 0.0], np.float32)
    exp, sigmoid, tanh = (getattr(_native.testing, name)(edges) for name in ("exp", "sigmoid", "tanh"))
    assert np.isnan([exp[0], sigmoid[0], tanh[0]]).all()
    assert (exp[3], sigmoid[3], tanh[3]) == (1.0, 0.5, 0.0)
    assert sigmoid[1] == 1.0
    assert 0 < sigmoid[2] < 1e-37
    np.testing.assert_allclose(tanh[1:3], [1, -1], atol=5e-7)


@pytest.mark.usefixtures("threads")
def test_dropout_has_its_rate_and_scale_for_any_number_of_threads():
    x = np.ones((7, 30, 50, 16), np.float32)
    runtime.set_num_threads(1)
    y = native.dropout(x, 0.2, key=123)
    dropped = float((y == 0).mean())
    assert abs(dropped - 0.2) < 5 * np.sqrt(0.2 * 0.8 / x.size)
    assert np.unique(y).tolist() == [0.0, float(np.float32(1) / (np.float32(1) - np.float32(0.2)))]
    runtime.set_num_threads(3)
    assert native.dropout(x, 0.2, key=123).tobytes() == y.tobytes()


def test_dropout_masks_of_neighboring_keys_and_positions_are_independent():
    x = np.ones((1, 64, 64, 16), np.float32)
    drops = [native.dropout(x, 0.5, key=k).ravel() == 0 for k in (5, 6, 5 + 2**32, 2**63 - 1)]
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
        native.adam(m, v, g, 0.9, 0.999, 1e-7, step)
        np.testing.assert_allclose(g, want, rtol=0, atol=rounding(50))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"x": np.zeros((1, 2, 3), "f")}, "x must have four axes"),
        ({"x": np.zeros((1, 0, 3, 16), "f")}, "at least one of everything"),
        ({"x": np.zeros((0, 2, 3, 16), "f")}, "at least one of everything"),
        ({"x": np.zeros((1, 2, 3, 8), "f")}, "x must have 1 or 16 lanes"),
        ({"b": np.zeros(5, "f")}, "b must have one axis, as long as the cell has gates and units"),
        ({"b": np.zeros(12, "f")}, r"Wx has shape \(3, 8\), expected \(3, 12\)"),
        ({"Wx": np.zeros((4, 8), "f")}, r"Wx has shape \(4, 8\), expected \(3, 8\)"),
        ({"Wh": np.zeros((3, 8), "f")}, r"Wh has shape \(3, 8\), expected \(2, 8\)"),
        ({"Wh": None}, "Wh is missing, or the cell has none"),
        ({"P": np.zeros((3, 3), "f")}, r"P has shape \(3, 3\), expected \(2, 6\)"),
        ({"gain": np.zeros(3, "f")}, r"gain has shape \(3\), expected \(8\)"),
        ({"gain": np.zeros(8, "f"), "P": np.zeros((2, 6), "f")}, "gain and a full peephole exclude each other"),
        ({"Wr": np.zeros(3, "f")}, r"Wr belongs to an LSTM and has two axes: \(H, R\)"),
        ({"state": (np.zeros((2, 2, 16), "f"),) * 2}, r"state has shape \(2, 2, 16\), expected \(1, 2, 16\)"),
        ({"state": (np.zeros((1, 2, 16), "f"),)}, "another number of arrays than the cell has states"),
        ({"mask": np.zeros((1, 3, 16), "f")}, r"mask has shape \(1, 3, 16\), expected \(1, 2, 16\)"),
        ({"noise": StateNoise(np.zeros((1, 3, 16), "f"))}, r"drop has shape \(1, 3, 16\), expected \(1, 2, 16\)"),
        ({"noise": StateNoise(None, (0.1, 0.1, 0.1))}, "zone has more entries than the cell has states"),
    ],
)
def test_forward_with_a_wrong_shape_raises_value_error(change, text):
    arrays = {"x": (1, 2, 3, 16), "Wx": (3, 8), "Wh": (2, 8), "b": (8,)}
    call = {name: np.zeros(shape, np.float32) for name, shape in arrays.items()} | change
    params = {name: call[name] for name in ("Wx", "Wh", "b", "P", "gain", "Wr") if call.get(name) is not None}
    with pytest.raises(ValueError, match=text):
        native.forward("lstm", params, call["x"], call.get("state"), call.get("mask"), call.get("noise"))


@pytest.mark.parametrize(
    ("cell", "extra", "text"),
    [
        ("gru", {"P": np.zeros(6, "f")}, "P belongs to an LSTM"),
        ("gru", {"gain": np.zeros(6, "f")}, "gain belongs to an LSTM"),
        ("gru", {"Wr": np.zeros((2, 2), "f")}, "Wr belongs to an LSTM"),
        ("min_gru", {"Wh": np.zeros((2, 4), "f")}, "Wh is missing, or the cell has none"),
    ],
)
def test_forward_with_weights_of_another_cell_raises_value_error(cell, extra, text):
    _, params, x, *_ = make_case(cell, 2, 5, 2, 3)
    with pytest.raises(ValueError, match=text):
        native.forward(cell, params | extra, pack(x))


def test_forward_of_an_unknown_cell_raises_config_error():
    with pytest.raises(ConfigError, match="cell: got 'lstmm', expected one of rnn, "):
        native.forward("lstmm", {}, np.zeros((1, 1, 1, 16), "f"))


@pytest.mark.parametrize("bad", [np.zeros((1, 2, 3, 16)), np.zeros((1, 2, 3, 32), "f")[..., ::2], None, "x"])
def test_forward_with_a_wrong_type_or_stride_raises_type_error(bad):
    params = {"Wx": np.zeros((3, 8), "f"), "Wh": np.zeros((2, 8), "f"), "b": np.zeros(8, "f")}
    with pytest.raises(TypeError):
        native.forward("lstm", params, bad)


def test_impossible_allocation_raises_memory_error():
    """Outputs of 2^48 bytes, more than a process can address; inputs are small, or zeros that nothing touches.

    DuckDB, whose readers share the process, once translated the refusal into an exception of its own.
    """
    pytest.importorskip("duckdb")
    x = np.zeros((1, 2**22, 1, 16), np.float32)
    with pytest.raises(MemoryError):
        native.dense_forward({"W": np.zeros((1, 2**20), "f"), "b": np.zeros(2**20, "f")}, x)


def test_forward_with_a_view_that_repeats_one_number_raises_type_error():
    huge = np.lib.stride_tricks.as_strided(np.zeros(1, "f"), (2**36, 1, 1, 16), (0, 0, 0, 0))
    params = {"Wx": np.zeros((1, 4), "f"), "Wh": np.zeros((1, 4), "f"), "b": np.zeros(4, "f")}
    with pytest.raises(TypeError):
        native.forward("lstm", params, huge)


def test_nan_in_weights_reaches_outputs_and_gradients():
    cell, params, x, *_ = make_case("lstm", 3, 5, 2, 2)
    params["Wx"][0, 0] = np.nan
    y, _, cache = native.forward(cell, params, pack(x))
    assert np.isnan(unpack(y, 5)).any()
    _, _, grads = native.backward(params, cache, np.ones_like(y))
    assert np.isnan(grads["Wx"]).any()


@every_variant
def test_repeated_step_requests_no_memory_from_the_system(variant):
    made = _, params, _, _, _, _, dy, _ = make_case(variant, 12, 40, 6, 3)
    dy = pack(dy)

    def steps(n):
        for _ in range(n):
            _, _, cache = run(made)
            native.backward(params, cache, dy)

    steps(2)
    before = _native.memory_requests()
    steps(5)
    assert _native.memory_requests() == before


@pytest.mark.parametrize("n", [0, -1, 257, 1.5, "two", True])
def test_set_num_threads_with_an_impossible_number_raises_config_error(n):
    with pytest.raises(ConfigError, match="whole number from 1 to 256"):
        runtime.set_num_threads(n)


def test_set_isa_with_an_unknown_level_raises_config_error():
    with pytest.raises(ConfigError, match="Unknown instruction-set level"):
        runtime.set_isa("v9")
