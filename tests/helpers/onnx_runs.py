"""Files of ONNX, run by onnxruntime."""

from __future__ import annotations

import numpy as np
import onnxruntime


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
