"""Names of Keras that gatecast does not have, and what to write instead: for the errors of public modules."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from opcode import opmap

from gatecast._utils.keras_advice import ADVICE
from gatecast._utils.suggestions import suggestion

__all__ = ["ADVICE", "advice_for", "missing_name"]


def missing_name(module: str, name: str, known: Iterable[str]) -> Exception:
    """Return the error for a name that a module does not have.

    Args:
        module: The module, `__name__`.
        name: The name that was asked for.
        known: The names that the module has.

    Returns:
        An ImportError for `from module import name`, which would replace the text of an AttributeError by its own; an
        AttributeError for `module.name`.

    >>> print(missing_name("gatecast.callbacks", "erlystopping", ["EarlyStopping"]))
    module 'gatecast.callbacks' has no attribute 'erlystopping'. Did you mean EarlyStopping?
    >>> print(missing_name("gatecast.callbacks", "TensorBoard", ["EarlyStopping"]))
    gatecast.callbacks has no TensorBoard, which Keras has. Write the logs with CSVLogger('log.csv').
    """
    advice = ADVICE.get(module, {}).get(name)
    if advice is not None:
        text = f"{module} has no {name}, which Keras has. {advice}"
    else:
        text = f"module {module!r} has no attribute {name!r}"
        text += "" if name.startswith("_") else f". {suggestion(name, known)}"
    frame = sys._getframe(2)
    is_import = frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"]
    return ImportError(text, name=name) if is_import else AttributeError(text, name=name)


def advice_for(name: str, module: str) -> str:
    """Return what to write instead of a name that Keras has in a module and gatecast has not; "" for other names.

    Args:
        name: As users write it, in any case: "Mish", "hard_tanh", "HardTanh".
        module: The module, such as "activations".

    >>> advice_for("Lion", "optimizers"), advice_for("lion", "optimizers"), advice_for("adam", "optimizers")
    ('Use AdamW.', 'Use AdamW.', '')
    """
    plain = name.lower().replace("_", "")
    known = ADVICE.get(f"gatecast.{module}", {})
    return next((text for key, text in known.items() if key.lower().replace("_", "") == plain), "")
