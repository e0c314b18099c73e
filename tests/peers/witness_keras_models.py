"""Keras' functional models as witnesses: predictions, loss, and weights after a step of SGD."""

from __future__ import annotations

import keras
import numpy as np
from keras_model_cases import MODELS, RATE, draw_model_case

__all__ = ["model_record"]


def model_record(name: str) -> dict[str, np.ndarray]:
    """Return the question of a case with Keras' answer."""
    model = MODELS[name](keras.layers, keras.Input, keras.Model)
    in_shapes, out_shapes = ([tuple(t.shape[1:]) for t in tensors] for tensors in (model.inputs, model.outputs))
    question = draw_model_case(name, in_shapes, out_shapes, [w.shape for w in model.get_weights()])
    model.set_weights([question[key] for key in sorted(question) if key[0] == "w"])
    x, y = ([question[key] for key in sorted(question) if key[0] == letter] for letter in "xy")
    answer = {f"p{k}": np.asarray(p) for k, p in enumerate(keras.tree.flatten(model.predict(x, verbose=0)))}
    model.compile(keras.optimizers.SGD(RATE), loss="mean_squared_error")
    answer["loss"] = np.ravel(model.train_on_batch(x, y))[0]
    return question | answer | {f"after{k:02d}": np.asarray(w) for k, w in enumerate(model.get_weights())}
