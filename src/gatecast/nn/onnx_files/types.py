"""The numbers by which ONNX knows types of tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["ONNX_TYPES"]

ONNX_TYPES: dict[np.dtype[Any], int] = {
    np.dtype(np.float32): 1,
    np.dtype(np.int64): 7,
    np.dtype(np.bool_): 9,
    np.dtype(np.float64): 11,
}
"""Element types of ``TensorProto.DataType``."""
