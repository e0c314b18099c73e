"""Graphs as files of ONNX, by the library onnx: the one module that knows it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatecast._utils.atomic import replacing
from gatecast._utils.validation import check_positive_int
from gatecast._utils.versions import __version__
from gatecast.errors import ConfigError
from gatecast.nn.onnx_files.builder import Body, Builder, Node, Port
from gatecast.nn.onnx_files.types import ONNX_TYPES

__all__ = ["DEFAULT_OPSET", "check_opset", "require_onnx", "write_onnx"]

DEFAULT_OPSET = 17
"""The oldest version of the operators that are used, which the most runtimes know."""

MAX_BYTES = 2**31
"""Bytes of a file, which is one message of Protocol Buffers."""


def require_onnx() -> Any:
    """Return the library onnx.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError:
        what = "Files of ONNX need the library onnx, which is not installed"
        raise ConfigError(what, fix="Install it: pip install 'gatecast[onnx]'") from None
    return onnx


def check_opset(opset: int) -> int:
    """Return the version of the operators.

    Raises:
        ConfigError: onnx is not installed, the version is below 17, or newer than the installed onnx.
    """
    newest = int(require_onnx().defs.onnx_opset_version())
    if check_positive_int(opset, "opset") < DEFAULT_OPSET:
        fix = f"Leave opset out: {DEFAULT_OPSET} is the oldest that has all operators."
        raise ConfigError("Invalid opset", got=opset, expected=f"{DEFAULT_OPSET} or newer", fix=fix, argument="opset")
    if opset > newest:
        fix = "Leave opset out, or install a newer onnx."
        raise ConfigError("Invalid opset", got=opset, expected=f"{newest} or older", fix=fix, argument="opset")
    return opset


def write_onnx(
    path: str | os.PathLike[str], builder: Builder, name: str, description: str, metadata: Mapping[str, str]
) -> None:
    """Write a graph to a file; an existing one is replaced.

    Args:
        path: The file.
        builder: Has the graph.
        name: Of the graph.
        description: What it computes, as sentences.
        metadata: Facts by name.

    Raises:
        ConfigError: The file cannot be written, or would be larger than the format allows.
    """
    onnx = require_onnx()
    n_bytes = sum(array.nbytes for array in builder.constants.values())
    if n_bytes >= MAX_BYTES:
        raise ConfigError(
            "The model is too large for an ONNX file",
            got=f"{n_bytes:,} bytes of weights",
            expected=f"less than {MAX_BYTES:,}",
            fix="Use fewer units, or keep the model with save.",
        )
    helper = onnx.helper
    initializers = [onnx.numpy_helper.from_array(array, key) for key, array in builder.constants.items()]
    graph = _graph(helper, builder.graph, name, initializers)
    opsets = [helper.make_opsetid("", builder.opset)]
    model = helper.make_model(
        graph,
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="gatecast",
        producer_version=__version__,
        doc_string=description,
    )
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    try:
        with replacing([Path(path)]) as (draft,):
            draft.write_bytes(model.SerializeToString())
    except OSError as error:
        raise ConfigError(
            "Cannot write the file",
            where=str(path),
            got=error.strerror or str(error),
            fix="Choose a path in an existing folder that you may write to.",
        ) from error


def _graph(helper: Any, body: Body, name: str, initializers: list[Any]) -> Any:
    """Return a graph."""
    nodes = [_node(helper, node) for node in body.nodes]
    inputs, outputs = ([_port(helper, port) for port in ports] for ports in (body.inputs, body.outputs))
    return helper.make_graph(nodes, name, inputs, outputs, initializers)


def _node(helper: Any, node: Node) -> Any:
    """Return a node, with the bodies of loops."""
    attributes = {
        key: _graph(helper, value, f"{node.outputs[0]}_body", []) if isinstance(value, Body) else value
        for key, value in node.attributes.items()
    }
    return helper.make_node(node.op, node.inputs, node.outputs, name=f"{node.op}_{node.outputs[0]}", **attributes)


def _port(helper: Any, port: Port) -> Any:
    """Return an input or output."""
    return helper.make_tensor_value_info(port.name, ONNX_TYPES[port.dtype], port.shape)
