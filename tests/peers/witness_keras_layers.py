"""Keras' own layers as witnesses for single layers: outputs, gradients of inputs and weights, averages."""

from __future__ import annotations

import keras
import numpy as np
import torch
from keras_layer_cases import BATCH, CASES, draw_case, keeps_averages, make


def layer_record(name: str) -> dict[str, np.ndarray]:
    """Return the question of a case with Keras' answer; the gradients include those of penalties."""
    case = CASES[name]
    layer = make(keras.layers, case)
    out_shape = tuple(layer(torch.zeros((BATCH, *case.in_shape))).shape[1:])
    question = draw_case(name, [tuple(w.shape) for w in layer.get_weights()], out_shape)
    averages = keeps_averages(case)
    if averages:  # a variance is not negative
        question["w03"] = abs(question["w03"]) + 1
    layer.set_weights([question[key] for key in sorted(question) if key.startswith("w")])
    x = torch.tensor(question["x"]).requires_grad_()
    y = layer(x, training=True) if averages else layer(x)
    ((y * torch.tensor(question["dy"])).sum() + sum(layer.losses, start=torch.zeros(()))).backward()
    gradients = {f"d{k:02d}": v.value.grad.numpy().copy() for k, v in enumerate(layer.trainable_variables)}
    gradients |= {f"u{k:02d}": v.numpy().copy() for k, v in enumerate(layer.non_trainable_variables) if averages}
    return question | {"y": y.detach().numpy().copy(), "dx": x.grad.numpy().copy()} | gradients
