"""What Keras has and gatecast has not: what to write instead."""

from __future__ import annotations

__all__ = ["COMPILE_ADVICE", "LAYER_ATTRIBUTES", "METHODS", "WORKERS"]

METHODS = {
    "compiled": "Ask whether model.loss is None.",
    "evaluate_generator": "Write evaluate(generator, steps=...).",
    "fit_generator": "Write fit(generator, steps_per_epoch=...).",
    "from_config": "Write save(path) and gatecast.models.load_model(path).",
    "get_config": "Write save(path), and load_model(path) for the same model again.",
    "non_trainable_weights": "Write get_weights(), which has all weights as in Keras.",
    "pop": "Make a model of the others: Model(model.inputs, model.layers[-2].output).",
    "predict_classes": "Write predict(x).argmax(axis=-1).",
    "predict_generator": "Write predict(generator, steps=...).",
    "predict_proba": "Write predict(x).",
    "reset_metrics": "Leave it out: metrics begin again with every epoch and every call of evaluate.",
    "to_json": "Write save(path) and gatecast.models.load_model(path).",
    "trainable_variables": "Write get_weights(), which has all weights as in Keras; count_params() counts them.",
    "trainable_weights": "Write get_weights(), which has all weights as in Keras; count_params() counts them.",
    "train_step": "There is no graph to extend: pass the loss as a function with its gradient.",
}
"""Methods of Keras that are not available: what to write instead."""

LAYER_ATTRIBUTES = {
    "cell": "Its settings, such as units, are attributes of the layer.",
    "bias": "Write get_weights(), which has it as in Keras.",
    "get_config": "repr(layer) has its settings; save(path) of a model keeps them.",
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
