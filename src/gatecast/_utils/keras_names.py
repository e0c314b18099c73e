"""Names of Keras that gatecast does not have, and what to write instead: for the errors of public modules."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from opcode import opmap

from gatecast._utils.suggestions import suggestion

__all__ = ["ADVICE", "missing_name"]

_ARRAYS = "Use NumPy: losses, metrics and callbacks get arrays."
_LOSS = "Pass a function of (y_true, y_pred) that returns the losses and their gradient."
_METRIC = "Pass a function of (y_true, y_pred) that returns a value per sample."

ADVICE: Mapping[str, Mapping[str, str]] = {
    "gatecast": {
        "applications": "There are no pretrained image networks.",
        "distribution": "Training uses all cores of one machine.",
        "KerasTensor": "Describe an input with gatecast.layers.Input.",
        "mixed_precision": "Leave it out: training is in float32.",
        "ops": _ARRAYS,
        "random": "Use numpy.random, and gatecast.utils.set_random_seed.",
        "saving": "Write model.save(path) and gatecast.models.load_model(path).",
        "Variable": "Keep state in attributes of your callback or metric.",
        "wrappers": "Wrap fit and predict in a class of your own.",
    },
    "gatecast.layers": {
        "Conv2D": "Use TimeDistributed(Conv1D(...)) for steps that are sequences.",
        "ConvLSTM1D": "Use TimeDistributed(Conv1D(...)), TimeDistributed(Flatten()) and an LSTM.",
        "ConvLSTM2D": "Use TimeDistributed(Conv1D(...)), TimeDistributed(Flatten()) and an LSTM.",
        "CuDNNGRU": "Write GRU.",
        "CuDNNLSTM": "Write LSTM.",
        "Lambda": "Transform the data before the model; for the last step leave return_sequences out.",
        "Normalization": "Scale the data before the model, or use BatchNormalization.",
    },
    "gatecast.backend": {
        "get_value": "Write float(model.optimizer.learning_rate).",
        "set_value": "Write model.optimizer.learning_rate = value.",
        "set_floatx": "Leave it out: weights and outputs are float32.",
        "set_session": "Leave it out: there is no session.",
        "set_learning_phase": "Leave it out: fit drops out values, predict does not.",
    }
    | dict.fromkeys(("abs", "exp", "log", "max", "maximum", "mean", "pow", "sqrt", "square", "sum"), _ARRAYS),
    "gatecast.callbacks": {
        "CallbackList": "Pass a list: fit(callbacks=[...]).",
        "ProgbarLogger": "Leave it out: fit(verbose=1) shows the progress.",
        "RemoteMonitor": "Send the logs from LambdaCallback(on_epoch_end=...).",
        "SwapEMAWeights": "Compile with gatecast.optim.chain(Adam().transformation(), gatecast.optim.ema()).",
        "TensorBoard": "Write the logs with CSVLogger('log.csv').",
    },
    "gatecast.losses": {
        "BinaryFocalCrossentropy": _LOSS,
        "CategoricalHinge": _LOSS,
        "CosineSimilarity": _LOSS,
        "Hinge": _LOSS,
        "SparseCategoricalCrossentropy": "Write CategoricalCrossentropy with gatecast.utils.to_categorical(y).",
        "SquaredHinge": _LOSS,
        "Tversky": _LOSS,
    },
    "gatecast.metrics": dict.fromkeys(
        ("AUC", "F1Score", "FBetaScore", "Hinge", "IoU", "Precision", "Recall", "TopKCategoricalAccuracy"), _METRIC
    ),
    "gatecast.models": {
        "clone_model": "Write copy.deepcopy(model).",
        "model_from_json": "Write model.save(path) and load_model(path).",
        "save_model": "Write model.save(path).",
    },
    "gatecast.optim": dict.fromkeys(
        ("Adam", "AdamW", "SGD", "RMSprop", "Nadam", "Adagrad"), "Import it from gatecast.optimizers."
    ),
    "gatecast.optimizers": {
        "Adadelta": "Use Adam or RMSprop.",
        "Adafactor": "Use Adam.",
        "Adamax": "Use Adam.",
        "Ftrl": "Use Adagrad.",
        "Lamb": "Use AdamW.",
        "legacy": "Import it from gatecast.optimizers.",
        "Lion": "Use AdamW.",
        "LossScaleOptimizer": "Leave it out: training is in float32.",
        "Muon": "Use AdamW.",
    },
    "gatecast.optimizers.schedules": {
        "CosineDecayRestarts": "Derive a class from LearningRateSchedule and define __call__(self, step).",
    },
    "gatecast.preprocessing": {
        "image": "There are no image networks.",
        "image_dataset_from_directory": "There are no image networks.",
        "text": "Number the words yourself, and use gatecast.layers.Embedding.",
        "text_dataset_from_directory": "Number the words yourself, and use gatecast.layers.Embedding.",
    },
    "gatecast.utils": {
        "get_custom_objects": "Leave it out: a saved model contains no objects of yours.",
        "model_to_dot": "Write model.summary().",
        "normalize": "Use NumPy.",
        "plot_model": "Write model.summary().",
        "Progbar": "fit(verbose=1) shows the progress.",
        "register_keras_serializable": "Leave it out: a saved model contains no objects of yours.",
    },
}
"""Names of Keras by module of gatecast: what to write instead."""


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
