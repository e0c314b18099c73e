"""The compiled kernels; see native/bind.cpp. Only recurrent.py imports this."""

from gatecast.arrays import Array

LANES: int

def levels() -> list[str]: ...
def level() -> str: ...
def use_level(name: str) -> bool: ...
def threads() -> int: ...
def set_threads(n: int) -> None: ...
def trim() -> None: ...
def lstm_forward(
    x: Array,
    Wx: Array,
    Wh: Array,
    b: Array,
    P: Array | None,
    h0: Array | None,
    c0: Array | None,
    mask: Array | None,
    keep: bool,
    sequences: bool,
) -> tuple[Array, Array, Array, Array, Array]: ...
def lstm_backward(
    x: Array,
    Wx: Array,
    Wh: Array,
    b: Array,
    P: Array | None,
    h0: Array | None,
    c0: Array | None,
    mask: Array | None,
    y: Array,
    c: Array,
    gates: Array,
    dy: Array | None,
    dhT: Array | None,
    dcT: Array | None,
    need_dx: bool,
    need_state: bool,
) -> tuple[Array | None, Array, Array, Array, Array, Array, Array | None]: ...
def dense_forward(x: Array, W: Array, b: Array) -> Array: ...
def dense_backward(x: Array, W: Array, dy: Array, need_dx: bool) -> tuple[Array | None, Array, Array]: ...
def dropout(x: Array, rate: float, key: int) -> Array: ...
def adam(
    m: Array, v: Array, g: Array, beta1: float, beta2: float, eps: float, debias1: float, debias2: float
) -> None: ...
def apply(function: int, x: Array) -> Array: ...
