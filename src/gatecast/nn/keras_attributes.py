"""What Keras has and gatecast has not: what to write instead."""

from __future__ import annotations

__all__ = ["COMPILE_ADVICE", "LAYER_ATTRIBUTES", "LOAD_OPTIONS", "METHODS", "OVERRIDES", "WORKERS"]

METHODS = {
    "compiled": "Ask whether model.loss is None.",
    "evaluate_generator": "Write evaluate(generator, steps=...).",
    "fit_generator": "Write fit(generator, steps_per_epoch=...).",
    "from_config": "Write save(path) and gatecast.models.load_model(path).",
    "get_config": "Write save(path), and load_model(path) for the same model again.",
    "losses": "Penalties are part of the loss that fit and evaluate return.",
    "non_trainable_variables": "Write get_weights(), which has all weights as in Keras.",
    "non_trainable_weights": "Write get_weights(), which has all weights as in Keras.",
    "pop": "Make a model of the others: Model(model.inputs, model.layers[-2].output).",
    "predict_classes": "Write predict(x).argmax(axis=-1).",
    "predict_generator": "Write predict(generator, steps=...).",
    "predict_proba": "Write predict(x).",
    "reset_metrics": "Leave it out: metrics begin again with every epoch and every call of evaluate.",
    "to_json": "Write save(path) and gatecast.models.load_model(path).",
    "trainable_variables": "Write get_weights(), which has all weights as in Keras; count_params() counts them.",
    "trainable_weights": "Write get_weights(), which has all weights as in Keras; count_params() counts them.",
    "variables": "Write get_weights(), which has all weights as in Keras.",
    "train_step": "There is no graph to extend: pass the loss as a function with its gradient.",
}
"""Methods of Keras that are not available: what to write instead."""

OVERRIDES = {
    **dict.fromkeys(
        ("train_step", "test_step", "compute_loss", "compute_gradients"),
        "There is no graph to extend: pass the loss to compile as a function that returns losses and their gradient.",
    ),
    "predict_step": "Change what predict returns, in a function of your own.",
    "compute_metrics": "Pass the metrics to compile: functions of (y_true, y_pred), or subclasses of Metric.",
    "call": "Write the layers into the constructor, super().__init__([...]), or use Model(inputs, outputs).",
}
"""Methods that subclasses of Keras' models define, and fit would not call here: what to write instead."""

LAYER_ATTRIBUTES = {
    "cell": "Its settings, such as units, are attributes of the layer.",
    "bias": "Write get_weights(), which has it as in Keras.",
    "get_config": "repr(layer) has its settings; save(path) of a model keeps them.",
    "input": "It is in no model yet: pass what Input returns to the layer, y = layer(x).",
    "kernel": "Write get_weights(), which has it first.",
    "output": "It is in no model yet: keep what the layer returns, y = layer(x).",
    **dict.fromkeys(
        ("trainable_variables", "trainable_weights", "variables", "weights"),
        "Write get_weights(), which has the arrays as in Keras, and set_weights().",
    ),
    **dict.fromkeys(("non_trainable_variables", "non_trainable_weights"), "get_weights() has them behind the others."),
}
"""Attributes of Keras' layers that are not available: what to write instead."""

LOAD_OPTIONS = {"objects_to_skip": "Leave it out: all weights of the file are read."}
"""Arguments of `load_weights` that are not available: what to write instead."""

COMPILE_ADVICE = {
    "sample_weight_mode": "Leave it out: sample_weight may be (samples,) or (samples, time).",
    "target_tensors": "Leave it out: there are no tensors.",
}
"""Arguments of `compile` in Keras 2: what to write instead."""

WORKERS = "Leave it out: batches are made in this process, between updates."
"""Arguments of `fit`, `evaluate` and `predict` about processes: what to write instead."""
