"""What Keras 2 has and Keras 3 or gatecast has not: what to write instead."""

from __future__ import annotations

__all__ = ["COMPILE_ADVICE", "LAYER_ATTRIBUTES", "METHODS", "WORKERS"]

METHODS = {
    "evaluate_generator": "Write evaluate(generator, steps=...).",
    "fit_generator": "Write fit(generator, steps_per_epoch=...).",
    "predict_classes": "Write predict(x).argmax(axis=-1).",
    "predict_generator": "Write predict(generator, steps=...).",
    "predict_proba": "Write predict(x).",
    "to_json": "Write save(path) and gatecast.models.load_model(path).",
    "train_step": "There is no graph to extend: pass the loss as a function with its gradient.",
}
"""Methods of Keras that are not available: what to write instead."""

LAYER_ATTRIBUTES = {
    "bias": "Write get_weights(), which has it as in Keras.",
    "input": "It is in no model yet: pass what Input returns to the layer, y = layer(x).",
    "kernel": "Write get_weights(), which has it first.",
    "output": "It is in no model yet: keep what the layer returns, y = layer(x).",
    "weights": "Write get_weights() and set_weights().",
}
"""Attributes of Keras' layers that are not available: what to write instead."""

COMPILE_ADVICE = {
    "sample_weight_mode": "Leave it out: sample_weight may be (samples,) or (samples, time).",
    "target_tensors": "Leave it out: there are no tensors.",
}
"""Arguments of `compile` in Keras 2: what to write instead."""

WORKERS = "Leave it out: batches are made in this process, between updates."
"""Arguments of `fit`, `evaluate` and `predict` about processes: what to write instead."""
