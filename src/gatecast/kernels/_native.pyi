"""The compiled kernels; see native/bindings/. Only cells.py, native.py, smoothing.py and training_stack.py do."""

from collections.abc import Sequence
from types import ModuleType

from gatecast._utils.typing import BoolArray as Flags
from gatecast._utils.typing import FloatArray as Doubles
from gatecast._utils.typing import IntArray as Integers
from gatecast.kernels.packing import Array

LANES: int
MAX_STACK_LAYERS: int
testing: ModuleType  # exp, sigmoid, tanh of (n,) float32: for the tests alone

def available_isas() -> list[str]: ...
def isa() -> str: ...
def set_isa(name: str) -> bool: ...
def num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...
def share_threads(change: int) -> None: ...
def trim() -> None: ...
def release_memory() -> None: ...
def memory_requests() -> int: ...
def cells() -> list[tuple[str, list[str], list[str], list[str], list[str], list[str]]]: ...
def forward(
    cell: int,
    heads: int,
    activations: list[int],
    x: Array,
    Wx: Array,
    Wh: Array | None,
    b: Array,
    P: Array | None,
    gain: Array | None,
    Wr: Array | None,
    state: list[Array | None],
    mask: Array | None,
    drop: Array | None,
    zone: list[Array | None],
    zone_share: list[float],
    keep: bool,
    sequences: bool,
) -> tuple[Array | None, Array | None, list[Array]]: ...
def backward(
    cell: int,
    heads: int,
    activations: list[int],
    x: Array,
    Wx: Array,
    Wh: Array | None,
    b: Array,
    P: Array | None,
    gain: Array | None,
    Wr: Array | None,
    state: list[Array | None],
    mask: Array | None,
    drop: Array | None,
    zone: list[Array | None],
    zone_share: list[float],
    y: Array,
    saved: Array | None,
    dy: Array | None,
    dstate: list[Array | None],
    need_dx: bool,
    need_state: bool,
) -> tuple[Array | None, list[Array], list[Array | None]]: ...
def dense_forward(x: Array, W: Array, b: Array, activation: int) -> Array: ...
def dense_backward(
    x: Array, W: Array, y: Array | None, dy: Array, activation: int, need_dx: bool
) -> tuple[Array | None, Array, Array]: ...
def convolution(
    x: Array, W: Array, b: Array, stride: int, dilation: int, before: int, outputs: int, activation: int
) -> Array: ...
def convolution_backward(
    x: Array,
    W: Array,
    y: Array,
    dy: Array,
    stride: int,
    dilation: int,
    before: int,
    outputs: int,
    activation: int,
    need_dx: bool,
) -> tuple[Array | None, Array, Array]: ...
def pooling(x: Array, size: int, stride: int, before: int, outputs: int, maximum: bool) -> Array: ...
def pooling_backward(
    x: Array, dy: Array, size: int, stride: int, before: int, outputs: int, maximum: bool
) -> Array: ...
def activation(x: Array, function: int) -> Array: ...
def activation_backward(x: Array, dy: Array, function: int) -> Array: ...
def dropout(x: Array, rate: float, key: int) -> Array: ...
def quantiles_forward(x: Array, count: int) -> Array: ...
def quantiles_backward(x: Array, dy: Array, count: int) -> Array: ...
def local_trend(
    y: Doubles,
    n: Integers,
    linear: Integers,
    alpha: Doubles,
    beta: Doubles,
    lam: Doubles,
    rho: Doubles,
    tau: Integers,
    lanes: int,
    exponent: float,
    mean: Doubles,
    variance: Doubles,
) -> None: ...
def theta_sums(y: Doubles, n: Integers, first: Integers, alpha: Doubles, sums: Doubles) -> None: ...
def theta_forecast(y: Doubles, n: Integers, alpha: Doubles, w: Doubles, first: Doubles, point: Doubles) -> None: ...
def autoregression(
    x: Doubles,
    observed: Doubles,
    unit: Doubles,
    level: Doubles,
    ridge: Doubles,
    margin: float,
    cycle: int,
    horizons: Integers,
    first: int,
    state: Doubles,
    points: Doubles,
    errors: Doubles,
) -> None: ...
def autoregression_forecast(state: Doubles, points: Doubles) -> None: ...
def seasonal_smoothing(
    z: Doubles,
    observed: Flags,
    alpha: Doubles,
    gamma: Doubles,
    start: Doubles,
    level: Doubles,
    season: Doubles,
    gain: Doubles,
) -> None: ...
def seasonal_smoothing_backward(
    z: Doubles,
    observed: Flags,
    gamma: Doubles,
    level: Doubles,
    season: Doubles,
    gain: Doubles,
    dlevel: Doubles,
    dseason: Doubles,
    dalpha: Doubles,
    dgamma: Doubles,
    dstart: Doubles,
) -> None: ...
def loss(
    kind: int, parameters: Sequence[float], p: Array, y: Array, weight: Array, scale: float
) -> tuple[float, Array]: ...
def adam(
    m: Array, v: Array, g: Array, beta1: float, beta2: float, eps: float, debias1: float, debias2: float
) -> None: ...

class TrainingStack:
    def __init__(self, rows: int, has_time: bool) -> None: ...
    def add_recurrent(
        self,
        cell: int,
        heads: int,
        activations: list[int],
        Wx: Array,
        Wh: Array | None,
        b: Array,
        P: Array | None,
        gain: Array | None,
        Wr: Array | None,
        gradients: list[Array | None],
        sequences: bool,
        residual: bool,
        dropout_h: float,
        dilation: int,
    ) -> None: ...
    def add_dense(self, W: Array, b: Array, dW: Array, db: Array, activation: int, residual: bool) -> None: ...
    def add_dropout(self, rate: float, all_steps: bool) -> None: ...
    def add_quantiles(self, count: int) -> None: ...
    def step(
        self,
        x: Array,
        mask: Array | None,
        loss: int,
        parameters: Sequence[float],
        target: Array,
        weight: Array,
        scale: float,
        keys: Sequence[int],
        dx: Array | None,
        dy: Array | None,
    ) -> float: ...
