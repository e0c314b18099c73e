"""Layers with arguments in Keras' words, to be made from `keras.layers` and from `gatecast.layers` alike.

A case is the name of a layer, its positional arguments, its keyword arguments, and the shape of a sample. A layer
inside of another one is an `Inner`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

__all__ = ["BATCH", "CASES", "Case", "Inner", "draw_case", "keeps_averages", "make"]

BATCH = 6
T, F = 7, 3
CELL_ACTIVATIONS = ("relu", "sigmoid", "hard_sigmoid", "linear", "softsign", "elu", "gelu", "selu")


class Inner(NamedTuple):
    """A layer inside of another one."""

    layer: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = MappingProxyType({})


class Case(NamedTuple):
    """A layer and the shape of its samples."""

    layer: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = MappingProxyType({})
    in_shape: tuple[int, ...] = (T, F)


SEQUENCES = {"return_sequences": True}
FEATURES_FIRST = {"data_format": "channels_first"}

CASES: dict[str, Case] = {
    **{f"lstm_{name}": Case("LSTM", (4, name), SEQUENCES) for name in CELL_ACTIVATIONS},
    **{f"gru_{name}": Case("GRU", (4, name), {}) for name in CELL_ACTIVATIONS},
    **{f"gru_before_{name}": Case("GRU", (4, name), {"reset_after": False}) for name in ("relu", "gelu")},
    **{f"rnn_{name}": Case("SimpleRNN", (4, name), SEQUENCES) for name in CELL_ACTIVATIONS},
    "lstm_gates": Case("LSTM", (4, "relu", "hard_sigmoid", False), {}),
    "gru_gates": Case("GRU", (4, "softsign", "hard_sigmoid", False), SEQUENCES),
    "lstm_no_bias": Case("LSTM", (4,), {"use_bias": False}),
    "gru_no_bias": Case("GRU", (4,), {"use_bias": False}),
    "lstm_backwards": Case("LSTM", (4,), {"go_backwards": True, "return_sequences": True}),
    "lstm_penalties": Case("LSTM", (4,), {"kernel_regularizer": "l1", "recurrent_regularizer": "l2"}),
    **{
        f"dense_{name}": Case("Dense", (4, name))
        for name in (
            *CELL_ACTIVATIONS,
            "tanh",
            "softmax",
            "softplus",
            "swish",
            "exponential",
            "relu6",
            "leaky_relu",
        )
    },
    "dense_no_bias": Case("Dense", (4, None, False), {}, (F,)),
    **{
        f"conv_{padding}_{strides}_{dilation}": Case(
            "Conv1D", (5, 3, strides, padding), {"dilation_rate": dilation, "activation": "relu"}, (11, F)
        )
        for padding in ("valid", "same", "causal")
        for strides, dilation in ((1, 1), (2, 1), (1, 2))
    },
    "conv_wide": Case("Conv1D", (3, 4), {"padding": "same", "activation": "gelu", "use_bias": False}, (40, 2)),
    **{
        f"{kind}_{size}_{padding}": Case(name, (size,), {"padding": padding})
        for kind, name in (("max", "MaxPooling1D"), ("average", "AveragePooling1D"))
        for size in (2, 3)
        for padding in ("valid", "same")
    },
    "max_strides": Case("MaxPooling1D", (3, 1), {"padding": "same"}),
    "global_average": Case("GlobalAveragePooling1D"),
    "global_max": Case("GlobalMaxPooling1D"),
    "flatten": Case("Flatten"),
    "reshape": Case("Reshape", ((F, T),)),
    "reshape_open": Case("Reshape", ((-1,),)),
    "permute": Case("Permute", ((2, 1),)),
    "repeat": Case("RepeatVector", (5,), {}, (F,)),
    "activation": Case("Activation", ("elu",)),
    "relu_layer": Case("ReLU", (1.0, 0.1, 0.2)),
    "leaky": Case("LeakyReLU", (0.2,)),
    "leaky_default": Case("LeakyReLU"),
    "elu_layer": Case("ELU", (0.5,)),
    "softmax_layer": Case("Softmax"),
    "distributed_dense": Case("TimeDistributed", (Inner("Dense", (4, "relu")),)),
    "distributed_conv": Case("TimeDistributed", (Inner("Conv1D", (4, 2), {"activation": "relu"}),), {}, (4, 5, 2)),
    "distributed_flatten": Case("TimeDistributed", (Inner("Flatten"),), {}, (4, 5, 2)),
    "distributed_pooling": Case("TimeDistributed", (Inner("MaxPooling1D", (2,)),), {}, (4, 6, 2)),
    **{
        f"bidirectional_{mode}": Case("Bidirectional", (Inner("LSTM", (4,), SEQUENCES),), {"merge_mode": mode})
        for mode in ("concat", "sum", "mul", "ave")
    },
    "bidirectional_relu": Case("Bidirectional", (Inner("GRU", (4, "relu")),)),
    "layer_normalization": Case("LayerNormalization"),
    "layer_normalization_plain": Case("LayerNormalization", (), {"center": False, "scale": False}),
    "batch_normalization": Case("BatchNormalization"),
    "distributed_batch_normalization": Case("TimeDistributed", (Inner("BatchNormalization", (-1, 0.9)),)),
    "distributed_batch_normalization_sequences": Case("TimeDistributed", (Inner("BatchNormalization"),), {}, (4, 5, 2)),
    **{
        f"features_first_conv_{padding}_{strides}": Case(
            "Conv1D", (5, 3, strides, padding), FEATURES_FIRST | {"activation": "softmax"}, (F, 11)
        )
        for padding, strides in (("valid", 1), ("same", 2), ("causal", 1))
    },
    "features_first_conv_dilated": Case("Conv1D", (5, 3), FEATURES_FIRST | {"dilation_rate": 2}, (F, 11)),
    "features_first_max": Case("MaxPooling1D", (2,), FEATURES_FIRST, (F, T)),
    "features_first_average": Case("AveragePooling1D", (3, 2, "same"), FEATURES_FIRST, (F, T)),
    "features_first_global_average": Case("GlobalAveragePooling1D", (), FEATURES_FIRST | {"keepdims": True}, (F, T)),
    "features_first_global_max": Case("GlobalMaxPooling1D", (), FEATURES_FIRST, (F, T)),
    "features_first_flatten": Case("Flatten", (), FEATURES_FIRST, (F, T)),
    "distributed_features_first": Case("TimeDistributed", (Inner("Conv1D", (4, 2), FEATURES_FIRST),), {}, (4, 2, 5)),
}


def make(layers: Any, case: Case | Inner) -> Any:
    """Make the layer of a case from a module of layers."""
    args = [make(layers, value) if isinstance(value, Inner) else value for value in case.args]
    return getattr(layers, case.layer)(*args, **case.kwargs)


def keeps_averages(case: Case | Inner) -> bool:
    """Return whether a layer of a case keeps averages of the batches, so that training is another pass."""
    return case.layer == "BatchNormalization" or any(keeps_averages(v) for v in case.args if isinstance(v, Inner))


def draw_case(name: str, weight_shapes: list[tuple[int, ...]], out_shape: tuple[int, ...]) -> dict[str, Any]:
    """Draw inputs, weights and the gradient of the outputs, all float32."""
    rng = np.random.default_rng([20240229, *name.encode()])
    question = {f"w{k:02d}": rng.normal(0, 0.5, shape) for k, shape in enumerate(weight_shapes)}
    question |= {"x": rng.normal(size=(BATCH, *CASES[name].in_shape)), "dy": rng.normal(size=(BATCH, *out_shape))}
    return {key: value.astype(np.float32) for key, value in question.items()}
