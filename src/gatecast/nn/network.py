"""A network as data: layers, the shapes between them, and all parameters in one vector.

Shapes: B batch, T time, F features, M outputs, nb blocks of L lanes, n parameters.
Notation: `d` before a name is the gradient of the loss with respect to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from gatecast._utils.typing import Float32Array
from gatecast.kernels.packing import Array, Params, flat_views
from gatecast.nn.constraints import Constraint
from gatecast.nn.layers.base import CallContext, Layer, State
from gatecast.nn.layers.base import forward_from as layer_forward_from
from gatecast.nn.layers.shapes import Shape
from gatecast.nn.random import ZeroGenerator, generator, hash64
from gatecast.nn.regularizers import Regularizer

__all__ = [
    "Network",
    "TrainingPass",
    "Weights",
    "add_penalty_gradients",
    "backward",
    "build",
    "flatten_states",
    "forward",
    "forward_from",
    "frozen_slices",
    "initial_weights",
    "layer_key",
    "load_weights",
    "penalties",
    "penalty",
    "project",
    "projections",
    "split_network",
    "unflatten_states",
    "update_buffers",
    "zeros_like",
]


Projection = tuple[int, str, Constraint]
"""Number of a layer, name of one of its parameters, and the constraint on it."""

Penalty = tuple[int, str, Regularizer]
"""Number of a layer, name of one of its parameters, and the penalty on it."""


class Network(NamedTuple):
    """A stack of layers, with the shapes between them."""

    layers: tuple[Layer, ...]
    shapes: tuple[Shape, ...]
    """The shape of the input, followed by the output shape of every layer."""


class TrainingPass(NamedTuple):
    """What determines the random numbers of a pass, such as those of dropout."""

    seed: int
    step: int
    """Number of the update that the pass is for."""


class Weights(NamedTuple):
    """Parameters, or gradients, of a network: one vector, and views into it by layer and name."""

    vector: Float32Array
    """(n,)."""
    views: tuple[Params, ...]
    """Views by layer and name."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the vector; the views are made again, so that they stay views into it."""
        return _from_vector, (self.vector, [{name: p.shape for name, p in views.items()} for views in self.views])


def build(layers: Sequence[Layer], in_shape: Shape) -> Network:
    """Infer the shapes between layers.

    Args:
        layers: At least one.
        in_shape: (T, F) or (F,); T may be None.

    Raises:
        ConfigError: A layer that does not fit the output of the layer before.

    >>> from gatecast.nn.layers import LSTM, Dense
    >>> build([LSTM(50), Dense(1)], (24, 1)).shapes
    ((24, 1), (50,), (1,))
    """
    shapes = [in_shape]
    for layer in layers:
        shapes.append(layer.output_shape(shapes[-1]))
    return Network(tuple(layers), tuple(shapes))


def initial_weights(network: Network, seed: int | None) -> Weights:
    """Return initial parameters. Those of a layer depend only on the seed, its position and its shapes.

    Args:
        network: Layers and shapes.
        seed: The same seed gives the same bits; None: no weights are drawn, because they will be loaded.

    >>> from gatecast.nn.layers import Dense
    >>> weights = initial_weights(build([Dense(2)], (3,)), seed=0)
    >>> weights.vector.size, weights.views[0]["W"].shape
    (8, (3, 2))
    """
    initial = [
        layer.init(ZeroGenerator() if seed is None else generator(seed, 0, k), in_shape)
        for k, (layer, in_shape) in enumerate(zip(network.layers, network.shapes, strict=False))
    ]
    weights = Weights(*flat_views({name: p.shape for name, p in params.items()} for params in initial))
    for views, params in zip(weights.views, initial, strict=True):
        for name, value in params.items():
            views[name][...] = value
    return weights


def load_weights(weights: Weights, vector: Float32Array) -> None:
    """Set all parameters to those of a vector.

    Args:
        weights: The parameters, changed in place.
        vector: (n,), in the order of `Weights.vector`.

    Raises:
        ValueError: A vector of another network.

    >>> import numpy as np
    >>> from gatecast.nn.layers import Dense
    >>> weights = initial_weights(build([Dense(1)], (2,)), seed=0)
    >>> load_weights(weights, np.array([1, 2, 3], np.float32))
    >>> weights.views[0]["W"].ravel().tolist(), weights.views[0]["b"].tolist()
    ([1.0, 2.0], [3.0])
    """
    if weights.vector.shape != vector.shape:
        raise ValueError(f"{vector.size} weights for a network of {weights.vector.size}")
    weights.vector[:] = vector


def zeros_like(weights: Weights) -> Weights:
    """Return zeros with the layout of weights, for gradients.

    >>> from gatecast.nn.layers import Dense
    >>> float(zeros_like(initial_weights(build([Dense(2)], (3,)), seed=0)).vector.sum())
    0.0
    """
    return Weights(*flat_views({name: p.shape for name, p in views.items()} for views in weights.views))


def split_network(
    network: Network, weights: Weights, n_last: int
) -> tuple[tuple[Network, Weights], tuple[Network, Weights]]:
    """Return the first layers and the last `n_last` layers as networks of their own, which share the parameters.

    >>> from gatecast.nn.layers import Dense
    >>> network = build([Dense(4), Dense(2)], (None, 3))
    >>> body, head = split_network(network, initial_weights(network, 0), 1)
    >>> body[0].shapes[-1], head[0].shapes
    ((None, 4), ((None, 4), (None, 2)))
    """
    cut = len(network.layers) - n_last
    body = Network(network.layers[:cut], network.shapes[: cut + 1])
    head = Network(network.layers[cut:], network.shapes[cut:])
    return (body, Weights(weights.vector, weights.views[:cut])), (head, Weights(weights.vector, weights.views[cut:]))


def layer_key(training: TrainingPass, k: int) -> int:
    """Return the key of the random numbers of the k-th layer in a pass.

    >>> layer_key(TrainingPass(seed=0, step=1), 0) == layer_key(TrainingPass(seed=0, step=1), 1)
    False
    """
    return hash64(training.seed, training.step, k)


def forward(
    network: Network,
    weights: Weights,
    x: Float32Array,
    mask: Float32Array | None = None,
    *,
    training: TrainingPass | None = None,
    save_for_backward: bool = True,
    n_sequences: int | None = None,
) -> tuple[Float32Array, list[Any]]:
    """Compute the outputs of a network, and the caches for `backward`.

    Args:
        network: Layers and shapes.
        weights: The parameters.
        x: (nb, T, F, L), packed, finite.
        mask: (nb, T, L) of 0 and 1; None: no step is skipped.
        training: The update that this pass is for; None: a pass without dropout, with moving means.
        save_for_backward: Whether a backward pass will follow; otherwise the caches are empty.
        n_sequences: Number of sequences; the lanes beyond are padding. None: every lane is a sequence.

    Returns:
        The outputs (nb, T or 1, M, L), and one cache per layer.

    >>> import numpy as np
    >>> from gatecast.nn.layers import Dense
    >>> network = build([Dense(2)], (3,))
    >>> forward(network, initial_weights(network, 0), np.zeros((1, 1, 3, 16), np.float32))[0].shape
    (1, 1, 2, 16)
    """
    caches: list[Any] = []
    for k, layer in enumerate(network.layers):
        # After a layer that drops the time axis there are no steps to skip.
        mask = mask if len(network.shapes[k]) >= 2 else None
        key = 0 if training is None else layer_key(training, k)
        shape = network.shapes[k] if len(network.shapes[k]) == 3 else None
        context = CallContext(training is not None, key, mask, save_for_backward, n_sequences, shape)
        y, _, cache = layer.forward(weights.views[k], x, context)
        mask = layer.output_mask(x, mask)
        x = y
        caches.append(cache)
    return x, caches


def forward_from(
    network: Network,
    weights: Weights,
    x: Float32Array,
    states: Sequence[State | None] | None = None,
    mask: Float32Array | None = None,
) -> tuple[Float32Array, list[State | None]]:
    """Compute the outputs of a network that continues an earlier pass, and its states after the last step.

    Running a and then b from the states after a gives the bits of running both at once.

    Args:
        network: Layers and shapes, whose layers all support streaming.
        weights: The parameters.
        x: (nb, T, F, L), packed, finite.
        states: As this function returned them; None: the zero states.
        mask: (nb, T, L) of 0 and 1; where it is 0, states stay as they are. None: no step is skipped.

    Returns:
        The outputs (nb, T, M, L), and the state of each layer; None for a layer without one.

    >>> import numpy as np
    >>> from gatecast.nn.layers import LSTM
    >>> network = build([LSTM(4, return_sequences=True)], (None, 2))
    >>> weights, x = initial_weights(network, 0), np.ones((1, 5, 2, 1), np.float32)
    >>> _, states = forward_from(network, weights, x[:, :3])
    >>> last, _ = forward_from(network, weights, x[:, 3:], states)
    >>> bool((last == forward_from(network, weights, x)[0][:, 3:]).all())
    True
    """
    after: list[State | None] = []
    context = CallContext(mask=mask, save_for_backward=False)
    for layer, params, state in zip(network.layers, weights.views, states or [None] * len(network.layers), strict=True):
        y, new, _ = layer_forward_from(layer, params, x, context, state)
        context = context._replace(mask=layer.output_mask(x, context.mask))
        x = y
        after.append(new)
    return x, after


def flatten_states(states: Any) -> list[Array]:
    """Return the arrays of states one after another, each [nb, size, L].

    >>> import numpy as np
    >>> [array.item() for array in flatten_states([None, (np.ones(1), (np.zeros(1),))])]
    [1.0, 0.0]
    """
    if states is None:
        return []
    return (
        [array for item in states for array in flatten_states(item)] if isinstance(states, list | tuple) else [states]
    )


def unflatten_states(arrays: Sequence[Array], like: Any) -> Any:
    """Return arrays in the nesting of other states: the inverse of `flatten_states`.

    >>> import numpy as np
    >>> unflatten_states([np.ones(1)], [None, (np.zeros(1),)])
    [None, (array([1.]),)]
    """
    return _fill(iter(arrays), like)


def _fill(rest: Iterator[Array], like: Any) -> Any:
    """Return the next arrays in the nesting of other states.

    Not inside of `unflatten_states`: a local function that calls itself is a circle of references, which keeps the
    arrays until Python looks for garbage.
    """
    if like is None:
        return None
    return type(like)(_fill(rest, item) for item in like) if isinstance(like, list | tuple) else next(rest)


def backward(
    network: Network,
    weights: Weights,
    caches: Sequence[Any],
    dy: Float32Array,
    grads: Weights,
    *,
    need_dx: bool = False,
) -> Float32Array | None:
    """Compute the gradients of a network, and write them into `grads`.

    Args:
        network: Layers and shapes.
        weights: The parameters, as passed to `forward`.
        caches: As returned by `forward`.
        dy: (nb, T or 1, M, L) gradient of the outputs.
        grads: Receives the gradients; made by `zeros_like`.
        need_dx: Whether to compute the gradient of the inputs.

    Returns:
        The gradient of the inputs (nb, T, F, L), or None.

    >>> import numpy as np
    >>> from gatecast.nn.layers import Dense
    >>> network = build([Dense(2)], (3,))
    >>> weights = initial_weights(network, 0)
    >>> y, caches = forward(network, weights, np.ones((1, 1, 3, 16), np.float32))
    >>> grads = zeros_like(weights)
    >>> backward(network, weights, caches, np.ones_like(y), grads)
    >>> grads.views[0]["b"].tolist()
    [16.0, 16.0]
    """
    dx: Float32Array | None = dy
    for k in reversed(range(len(network.layers))):
        dx, _, layer_grads = network.layers[k].backward(weights.views[k], caches[k], dx, need_dx or k > 0)
        views = grads.views[k]
        for name, value in layer_grads.items():
            views[name][...] = value
    return dx if need_dx else None


def update_buffers(network: Network, weights: Weights, caches: Sequence[Any]) -> None:
    """Set the parameters that no gradient trains, such as moving means, after an update.

    Args:
        network: Layers and shapes.
        weights: The parameters, changed in place.
        caches: As returned by `forward` in training; empty if no layer has any.

    >>> import numpy as np
    >>> from gatecast.nn.layers import BatchNormalization
    >>> network = build([BatchNormalization(momentum=0.5)], (1,))
    >>> weights = initial_weights(network, 0)
    >>> _, caches = forward(network, weights, np.ones((1, 1, 1, 16), np.float32), training=TrainingPass(0, 1))
    >>> update_buffers(network, weights, caches)
    >>> float(weights.views[0]["moving_mean"][0])
    0.5
    """
    for layer, views, cache in zip(network.layers, weights.views, caches, strict=bool(caches)):
        for name, value in layer.update_buffers(views, cache).items():
            views[name][...] = value


def projections(network: Network) -> list[Projection]:
    """Return the constraints of all parameters that are trained; resolved once, and applied after every update.

    >>> from gatecast.nn.layers import Dense
    >>> projections(build([Dense(1), Dense(2, kernel_constraint="non_neg")], (1,)))
    [(1, 'W', NonNeg())]
    """
    return list(_trained(network, "constraints"))


def project(weights: Weights, constraints: Sequence[Projection]) -> None:
    """Apply constraints to the parameters.

    Args:
        weights: The parameters, changed in place.
        constraints: As returned by `projections`.

    >>> from gatecast.nn.layers import Dense
    >>> network = build([Dense(1, kernel_constraint="non_neg")], (1,))
    >>> weights = initial_weights(network, 0)
    >>> weights.vector[:] = -1
    >>> project(weights, projections(network))
    >>> weights.vector.tolist()
    [0.0, -1.0]
    """
    for k, name, constraint in constraints:
        view = weights.views[k][name]
        view[...] = constraint(view)


def penalties(network: Network) -> list[Penalty]:
    """Return the regularizers of all parameters that are trained: frozen ones add nothing to the loss, as in Keras.

    >>> from gatecast.nn.layers import Dense
    >>> penalties(build([Dense(1, kernel_regularizer="l2"), Dense(1, bias_regularizer="l1", trainable=False)], (1,)))
    [(0, 'W', L2(l2=0.01))]
    """
    return list(_trained(network, "regularizers"))


def penalty(weights: Weights, regularizers: Sequence[Penalty]) -> float:
    """Return what regularizers add to the loss.

    Args:
        weights: The parameters.
        regularizers: As returned by `penalties`.

    >>> from gatecast.nn.layers import Dense
    >>> network = build([Dense(2, kernel_regularizer="l2", kernel_initializer="ones")], (3,))
    >>> round(penalty(initial_weights(network, 0), penalties(network)), 6)
    0.06
    """
    return sum(regularizer(weights.views[k][name]) for k, name, regularizer in regularizers)


def add_penalty_gradients(weights: Weights, grads: Weights, regularizers: Sequence[Penalty]) -> None:
    """Add the gradients of all penalties.

    Args:
        weights: The parameters.
        grads: Gradients, changed in place.
        regularizers: As returned by `penalties`.

    >>> from gatecast.nn.layers import Dense
    >>> network = build([Dense(1, kernel_regularizer="l2", kernel_initializer="ones")], (1,))
    >>> weights = initial_weights(network, 0)
    >>> grads = zeros_like(weights)
    >>> add_penalty_gradients(weights, grads, penalties(network))
    >>> round(grads.views[0]["W"].item(), 6)
    0.02
    """
    for k, name, regularizer in regularizers:
        grads.views[k][name][...] += regularizer.gradient(weights.views[k][name])


def frozen_slices(network: Network, weights: Weights) -> list[slice]:
    """Return where the parameters that are not trained lie in the vector of all.

    >>> from gatecast.nn.layers import Dense
    >>> network = build([Dense(2), Dense(1, trainable=False)], (1,))
    >>> frozen_slices(network, initial_weights(network, 0))
    [slice(4, 6, None), slice(6, 7, None)]
    """
    slices, start = [], 0
    for layer, views in zip(network.layers, weights.views, strict=True):
        frozen = set(layer.frozen_params)
        for name, view in views.items():
            if name in frozen:
                slices.append(slice(start, start + view.size))
            start += view.size
    return slices


def _trained(network: Network, kind: str) -> Iterator[tuple[int, str, Any]]:
    """Yield the settings of one kind by layer and parameter, without those of parameters that are not trained."""
    for k, layer in enumerate(network.layers):
        frozen = set(layer.frozen_params)
        yield from ((k, name, value) for name, value in getattr(layer, kind).items() if name not in frozen)


def _from_vector(vector: Float32Array, shapes: Sequence[dict[str, tuple[int, ...]]]) -> Weights:
    """Return parameters with the values of a vector."""
    weights = Weights(*flat_views(shapes))
    weights.vector[:] = vector
    return weights
