"""Forecasters and networks in sktime and MLflow themselves, and the page that shows it."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gatecast as gc
from gatecast.errors import ConfigError, DataError, FormatError, NotFittedError
from gatecast.layers import LSTM, Dense, Input

# MLflow warns of its own types when it is imported.
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore:.*Any type hint:UserWarning")]

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "other-libraries.md"


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    library = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.chdir(tmp_path)
    library.set_tracking_uri((tmp_path / "runs").as_uri())
    return library


@pytest.fixture(scope="module")
def passengers():
    return gc.datasets.air_passengers()


@pytest.fixture(scope="module")
def forecaster(passengers):
    return gc.Forecaster(6, model="dot").fit(passengers)


@pytest.fixture(scope="module")
def network():
    model = gc.Sequential([Input((4, 1)), LSTM(3), Dense(1)])
    model.build()
    return model


def test_mlflow_forecaster_comes_back_with_its_bits(mlflow, forecaster):
    gc.mlflow.save_model(forecaster, "model")
    pd.testing.assert_frame_equal(gc.mlflow.load_model("model").predict(), forecaster.predict())
    assert Path("model/requirements.txt").read_text().endswith(f"gatecast[mlflow]=={gc.__version__}")
    assert not [file for file in Path("model").iterdir() if file.suffix in (".pkl", ".pickle")]


def test_mlflow_pyfunc_takes_tables_and_parameters(mlflow, forecaster, passengers):
    gc.mlflow.save_model(forecaster, "model")
    served = mlflow.pyfunc.load_model("model")
    pd.testing.assert_frame_equal(
        served.predict(pd.DataFrame(), params={"h": 3, "level": [90.0]}), forecaster.predict(h=3, level=[90])
    )
    pd.testing.assert_frame_equal(served.predict(passengers[:100]), forecaster.predict(passengers[:100]))


def test_mlflow_logged_model_loads_from_the_run_and_the_registry(mlflow, forecaster):
    with mlflow.start_run():
        info = gc.mlflow.log_model(forecaster, name="air", registered_model_name="air")
    for uri in (info.model_uri, "models:/air/1"):
        pd.testing.assert_frame_equal(gc.mlflow.load_model(uri).predict(), forecaster.predict())


def test_mlflow_network_takes_arrays(mlflow, network):
    x = np.random.default_rng(0).normal(size=(5, 4, 1)).astype(np.float32)
    gc.mlflow.save_model(network, "model", input_example=x[:1])
    served = mlflow.pyfunc.load_model("model")
    np.testing.assert_array_equal(served.predict(x), network.predict(x))


def test_mlflow_refuses_what_it_cannot_save_or_load(mlflow, network):
    with pytest.raises(ConfigError, match="Cannot save a dict"):
        gc.mlflow.save_model({}, "model")
    with pytest.raises(NotFittedError):
        gc.mlflow.save_model(gc.Forecaster(3), "model")
    assert not Path("model").exists()
    gc.mlflow.save_model(network, "model")
    with pytest.raises(ConfigError, match="model exists"):
        gc.mlflow.save_model(network, "model")
    file = Path("model/model.safetensors")
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(FormatError):
        gc.mlflow.load_model("model")
    description = Path("model/MLmodel")
    description.write_text(description.read_text().replace("gatecast:", "others:", 1))
    with pytest.raises(ConfigError, match="not a model of gatecast"):
        gc.mlflow.load_model("model")


def test_mlflow_model_that_names_another_file_reads_its_own(mlflow, network):
    gc.mlflow.save_model(network, "model")
    description = Path("model/MLmodel")
    description.write_text(description.read_text().replace("data: model.safetensors", "data: ../../secret", 1))
    assert isinstance(gc.mlflow.load_model("model"), gc.Sequential)


@pytest.fixture
def airline():
    pytest.importorskip("sktime")
    from sktime.datasets import load_airline

    return load_airline()


def _sktime_forecaster(*args, **kwargs):
    from gatecast.sktime import GatecastForecaster

    return GatecastForecaster(*args, **kwargs)


def test_sktime_forecaster_equals_gatecast(airline, passengers):
    forecaster = _sktime_forecaster("dot").fit(airline, fh=[1, 3])
    direct = gc.Forecaster(3, model="dot", level=None).fit(passengers)
    table, name = direct.predict(level=80), direct.model_name_
    np.testing.assert_array_equal(forecaster.predict().to_numpy(), table[name].to_numpy()[[0, 2]])
    interval = forecaster.predict_interval(coverage=0.8)
    np.testing.assert_array_equal(interval.to_numpy()[:, 0], table[f"{name}-lo-80"].to_numpy()[[0, 2]])
    assert list(interval.index.astype(str)) == ["1961-01", "1961-03"]


def test_sktime_update_moves_the_cutoff(airline):
    forecaster = _sktime_forecaster("naive").fit(airline[:100], fh=[1])
    for learns in (True, False):
        forecaster.update(airline[100:101] if learns else airline[101:102], update_params=learns)
        assert forecaster.predict().iloc[0] == airline.iloc[100 if learns else 101]


def test_sktime_panel_is_one_model_and_series_may_end_early(airline):
    rows = airline.to_frame("y")
    panel = pd.concat({"a": rows, "b": rows.iloc[:-2] * 2}, names=["series", "Period"])
    forecaster = _sktime_forecaster("naive").fit(panel, fh=[1, 2])
    forecast = forecaster.predict()
    assert len(forecaster.forecaster_.panel_) == 2
    assert forecast.loc["a", "y"].tolist() == [airline.iloc[-1]] * 2
    assert forecast.loc["b", "y"].tolist() == [2 * airline.iloc[-3]] * 2


def test_sktime_refuses_rows_of_x_that_are_missing(airline):
    X = pd.DataFrame({"price": np.arange(len(airline), dtype=float) % 7}, index=airline.index)
    forecaster = _sktime_forecaster("dot").fit(airline[:-3], X=X[:-3], fh=[1, 2, 3])
    assert len(forecaster.predict(X=X[-3:])) == 3
    with pytest.raises(DataError, match="X misses 2 rows"):
        forecaster.predict(X=X[-3:-2])


@pytest.mark.slow
def test_sktime_checks_pass():
    pytest.importorskip("sktime")
    from sktime.utils.estimator_checks import check_estimator

    from gatecast.sktime import GatecastForecaster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(GatecastForecaster, raise_exceptions=False, verbose=False)
    failed = {name: result for name, result in results.items() if str(result) != "PASSED"}
    assert len(results) > 500
    assert not failed


@pytest.mark.parametrize("number", [0, 1])
def test_blocks_of_the_page_run(number, mlflow, capsys):
    pytest.importorskip("sktime")
    blocks = re.findall(r"^```py$\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    exec(blocks[number], {})
    assert capsys.readouterr().out
