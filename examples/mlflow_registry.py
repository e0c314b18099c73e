"""A registry of models in which only a better one becomes the champion.

Run it: python mlflow_registry.py

It needs `pip install 'gatecast[mlflow]'`. Set MLFLOW_TRACKING_URI to your server.

1. Each candidate is trained, scored on held-back rows next to the naive forecast, and logged with its scores.
2. It becomes the champion if it beats the naive forecast and the present champion, measured on the same rows.
3. What serves loads `models:/passengers@champion`, and never asks which model that is.
"""

import mlflow

import gatecast as gc

NAME, H, LEVEL = "passengers", 12, 80


def champion(client):
    """Return the version of the champion; None if there is none."""
    try:
        return client.get_model_version_by_alias(NAME, "champion")
    except mlflow.exceptions.MlflowException:
        return None


def try_candidate(client, model):
    """Train, score and log a candidate; promote it if it is better."""
    forecaster = gc.Forecaster(H, model=model, level=LEVEL).fit(gc.datasets.air_passengers(), progress=False)
    score, naive = forecaster.evaluation_.scores[:2]
    metrics = {"mae": score.mae, "naive_mae": naive.mae, "coverage_80": score.coverage[LEVEL]}
    with mlflow.start_run():
        mlflow.log_metrics(metrics)
        info = gc.mlflow.log_model(forecaster, name=NAME, registered_model_name=NAME)
    version, present = info.registered_model_version, champion(client)
    client.set_model_version_tag(NAME, version, "mae", f"{score.mae:.6g}")
    best = min(naive.mae, float(present.tags["mae"]) if present else naive.mae)
    print(f"{model}: mean absolute error {score.mae:.2f}, {naive.model} {naive.mae:.2f}, ", end="")
    print(f"{score.coverage[LEVEL]:.0f} % in the {LEVEL} % interval", end="")
    if score.mae < best:
        client.set_registered_model_alias(NAME, "champion", version)
        print(": champion")
    else:
        print(": logged, not promoted")


def main():
    client = mlflow.MlflowClient()
    for model in ("naive", "dot", "pretrained", "drift"):
        try_candidate(client, model)
    served = gc.mlflow.load_model(f"models:/{NAME}@champion")
    print(f"served: version {champion(client).version}, {served.model_name_}")
    print(served.predict(h=3, output="dict")[served.model_name_].round(1).tolist())


main()
