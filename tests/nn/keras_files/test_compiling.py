"""What a file of Keras says about loss, optimizer and metrics, with all settings that it has."""

from __future__ import annotations

import pytest

from gatecast import metrics
from gatecast.layers import Dense, Input
from gatecast.models import Sequential
from gatecast.nn.keras_files.compiling import compile_as_stored


def compiled(**config):
    """Return a model that is compiled as a file of Keras 3 says."""
    model = Sequential([Input((3,)), Dense(2)])
    compile_as_stored(model, {"optimizer": "sgd", "loss": "mse"} | config)
    return model


def entry(kind, **config):
    """Return a metric as Keras 3 writes it."""
    return {"module": "keras.metrics", "class_name": kind, "config": {"dtype": "float32"} | config}


@pytest.mark.parametrize(
    ("stored", "metric"),
    [
        (entry("BinaryAccuracy", name="sure", threshold=0.9), metrics.BinaryAccuracy("sure", threshold=0.9)),
        (entry("Accuracy", name="accuracy"), metrics.Accuracy()),
        (entry("CosineSimilarity", name="c"), metrics.CosineSimilarity("c")),
        (
            entry("CategoricalCrossentropy", name="cce", from_logits=True, label_smoothing=0.1, axis=-1),
            metrics.CategoricalCrossentropy("cce", from_logits=True, label_smoothing=0.1),
        ),
        (entry("R2Score", name="r2_score", class_aggregation=None, num_regressors=0), metrics.R2Score(None)),
        (entry("MeanMetricWrapper", name="error", fn="mean_absolute_error"), metrics.MeanAbsoluteError("error")),
        ("mae", metrics.MeanAbsoluteError("mae")),
    ],
    ids=str,
)
def test_a_metric_of_a_file_has_its_settings_and_its_name(stored, metric):
    model = compiled(metrics=[stored], weighted_metrics=[stored])
    for got in model.metrics:
        assert type(got) is type(metric)
        assert got.get_config() == metric.get_config()


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (entry("AUC", name="auc"), "Unknown metric 'AUC'"),
        (entry("R2Score", num_regressors=2), "Invalid class_aggregation or num_regressors"),
        (entry("BinaryAccuracy", threshold="a"), "Invalid threshold 'a'"),
    ],
)
def test_a_metric_that_does_not_exist_here_leaves_the_model_uncompiled_with_the_reason(stored, reason):
    with pytest.warns(UserWarning, match=f"The model is not compiled: {reason}"):
        model = compiled(metrics=[stored])
    assert model.optimizer is None
