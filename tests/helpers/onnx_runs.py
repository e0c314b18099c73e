"""Files of ONNX, run by onnxruntime."""

from __future__ import annotations

import numpy as np
import onnxruntime

LIMIT = 1e-5
"""Largest difference from what gatecast computes, relative to the size of the numbers."""


def session_of(path):
    """Return what runs a file, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(session, **inputs):
    """Return the outputs of a file by name; a dot in a name of an input is written as two underscores."""
    feeds = {name.replace("__", "."): np.asarray(value) for name, value in inputs.items()}
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def zero_states(session, n):
    """Return zeros for the states of a file: its inputs but the values and their times."""
    types = {"tensor(int64)": np.int64, "tensor(float)": np.float32}
    ports = [port for port in session.get_inputs() if port.name not in ("values", "last_step", "last_date")]
    return {port.name: np.zeros((n, *port.shape[1:]), types[port.type]) for port in ports}


def assert_close(found, expected):
    """Check forecasts: within 1e-5 of the largest of their series, and NaN where the expected ones are."""
    size = np.nanmax(np.abs(np.where(np.isfinite(expected), expected, 0)), axis=tuple(range(1, expected.ndim)))
    limit = LIMIT * np.maximum(size, 1).reshape(-1, *[1] * (expected.ndim - 1))
    np.testing.assert_allclose(found / limit, expected / limit, rtol=0, atol=1)
