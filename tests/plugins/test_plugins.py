"""A model of another package is a model like the others, and a bad one is refused by name and breaks nothing."""

import importlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from plugin_packages import entry_points_of, write_plugin

import gatecast as gc
from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError
from gatecast.forecasting import LocalModel, available_models, get_model, registry
from gatecast.testing import check_model

SOURCE = Path(__file__).parent / "croston"
QUICK = {"network": NetworkConfig(units=4, n_layers=1), "training": TrainingConfig(n_members=1, max_steps=3)}


@pytest.fixture
def plug_in(tmp_path, monkeypatch):
    """Make plug-ins importable, and forget them afterwards."""
    folder, modules = tmp_path / "site", set(sys.modules)
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)

    def add(package, module, entry_points):
        write_plugin(folder, package, module, entry_points)
        importlib.invalidate_caches()
        registry.refresh()
        return folder

    yield add
    monkeypatch.undo()
    registry.refresh()
    for name in set(sys.modules) - modules:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def croston(plug_in):
    """The package of this folder, as if it were installed."""
    entry_points = entry_points_of((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))
    return plug_in("croston", (SOURCE / "croston.py").read_text(encoding="utf-8"), entry_points)


@pytest.fixture(scope="module")
def table():
    """Months of intermittent demand of three shops."""
    rng = np.random.default_rng(0)
    demand = rng.poisson(3, (3, 48)) * (rng.random((3, 48)) < 0.4) * 1.0
    months = (np.datetime64("2020-01", "M") + np.arange(48)).astype("M8[D]")
    return {"unique_id": np.repeat(["a", "b", "c"], 48), "ds": np.tile(months, 3), "y": demand.ravel()}


def run(folder, *command):
    """Run Python in a fresh process that has the plug-ins of a folder."""
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH", "")])] if folder else []
    environment = os.environ | ({"PYTHONPATH": os.pathsep.join(paths)} if folder else {})
    return subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, env=environment, check=False
    )


def test_plug_in_is_listed_after_the_built_in_models_and_keeps_the_contract(croston):
    assert available_models()[-1] == "croston"
    assert available_models()[0] == "lstm"
    assert registry.broken_models() == {}
    check_model(get_model("croston")(alpha=0.2))


@pytest.mark.slow
def test_plug_in_fits_predicts_and_comes_back_from_a_file_in_a_fresh_process(croston, table, tmp_path):
    fitted = gc.Forecaster(h=4, model=["lstm", "croston"], **QUICK).fit(table)
    forecast = fitted.predict()
    assert set(fitted.model_weights_) == {"LSTM", "Croston"}
    assert {"LSTM", "Croston"} <= set(fitted.predict_components())
    assert any(score.model == "Croston" for score in fitted.evaluation_.scores)
    path = tmp_path / "shops.gatecast"
    fitted.save(path)
    np.testing.assert_array_equal(gc.load(path).predict()["Ensemble"], forecast["Ensemble"])
    program = f"import gatecast as gc, json; print(json.dumps(gc.load({str(path)!r}).predict()['Ensemble'].tolist()))"
    done = run(croston, "-c", program)
    assert json.loads(done.stdout) == forecast["Ensemble"].tolist(), done.stderr
    without = run(None, "-c", program)
    assert "Unknown model 'croston'" in without.stderr


def test_config_of_a_plug_in_keeps_its_settings_in_the_file(croston, table, tmp_path):
    config = get_model("croston")(alpha=0.7)
    fitted = gc.Forecaster(h=4, model=config).fit(table, evaluate=False)
    assert "Croston" in fitted.predict()
    fitted.save(tmp_path / "a.gatecast")
    loaded = gc.load(tmp_path / "a.gatecast")
    assert loaded.model == config
    np.testing.assert_array_equal(loaded.predict()["Croston"], fitted.predict()["Croston"])


def test_compare_ranks_a_plug_in_next_to_the_others(croston, table):
    config = get_model("croston")(alpha=0.3)
    comparison = gc.compare(table, h=4, models=["croston", "lstm", config], n_windows=2, **QUICK)
    assert {"croston", "lstm", "Naive"} <= set(comparison.scores["model"].tolist())
    assert np.isfinite(comparison.scores["mae"]).all()


@pytest.mark.slow
def test_tune_runs_with_a_plug_in_installed(croston, table):
    pytest.importorskip("optuna")
    tuned = gc.tune(table, h=4, n_trials=1, n_windows=1, season_length=1, **QUICK)
    assert tuned.forecaster.model in available_models()


def test_report_shows_a_plug_in(croston, table, tmp_path):
    fitted = gc.Forecaster(h=4, model=["lstm", "croston"], **QUICK).fit(table)
    path = gc.report(fitted, tmp_path / "report.html")
    assert "Croston" in Path(path).read_text(encoding="utf-8")
    alone = gc.Forecaster(h=4, model="croston").fit(table)
    assert "Croston" in Path(gc.report(alone, tmp_path / "alone.html")).read_text(encoding="utf-8")


@pytest.mark.slow
def test_command_line_forecasts_with_a_plug_in(croston, table, tmp_path):
    path = tmp_path / "shops.csv"
    rows = zip(*(column.astype(str) for column in table.values()), strict=True)
    path.write_text("\n".join([",".join(table), *map(",".join, rows)]), encoding="utf-8")
    arguments = ["-m", "gatecast", "forecast", path, "--model", "croston", "-n", "4"]
    done = run(croston, *arguments)
    assert done.returncode == 0, done.stderr
    assert "Croston" in done.stdout
    without = run(None, *arguments)
    assert without.returncode != 0
    assert "croston" in without.stderr


GOOD = """
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
from gatecast.forecasting import LocalModel

@dataclass(frozen=True)
class Model(LocalModel):
    name: ClassVar[str] = "NAME"
    column: ClassVar[str] = "NAME"

    def forecast(self, values, task):
        return np.zeros((len(values), task.horizon, len(task.quantiles)))
"""

BAD = {
    "raising": ("raise RuntimeError('no licence')", r"cannot be imported \(RuntimeError: no licence\)"),
    "missing": ("import there_is_no_such_package", r"cannot be imported \(ModuleNotFoundError"),
    "leaving": ("raise SystemExit(3)", r"cannot be imported \(SystemExit: 3\)"),
    "classless": ("Other = 1", r"cannot be imported \(AttributeError"),
    "functional": ("def Model():\n    pass", "is not a model config class"),
    "unfit": (
        "class Model:\n    name = 'unfit'\n    column = 'Unfit'\n    family = 'statistical'\n",
        "is not a model config class: expected a class with default_for, fit, from_state",
    ),
    "renamed": (GOOD.replace("NAME", "other"), "its entry point is called 'renamed', but its name is 'other'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_plug_in_is_refused_by_name_and_the_others_work(name, plug_in):
    module, message = BAD[name]
    plug_in(name, module, {name: f"{name}:Model"})
    assert name not in available_models()
    assert list(registry.broken_models()) == [name]
    with pytest.raises(ConfigError, match=rf"^Model '{name}' cannot be used: .*{message}") as caught:
        gc.Forecaster(h=2, model=name)
    assert caught.value.argument == "model"
    assert get_model("naive").column == "Naive"
    gc.Forecaster(h=2, model=["naive", "dot"]).fit({"y": np.arange(40.0)})


@pytest.mark.parametrize("name", ["lstm", "naive", "sequential"])
def test_plug_in_with_the_name_of_a_built_in_model_never_hides_it(name, plug_in):
    plug_in("rogue", GOOD.replace("NAME", name), {name: "rogue:Model"})
    assert get_model(name).__module__.startswith("gatecast.")
    assert registry.broken_models() == {f"{name} (rogue:Model)": f"its name {name!r} is taken by another model"}
    assert available_models().count(name) == (name != "sequential")


def test_plug_in_that_registers_itself_too_is_listed_once(plug_in, monkeypatch):
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))
    good = GOOD.replace("NAME", "both").replace("@dataclass", "@register\n@dataclass")
    module = f"from gatecast.forecasting import register\n{good}"
    plug_in("itself", module, {"both": "itself:Model"})
    for _ in range(2):
        assert available_models().count("both") == 1
    assert registry.broken_models() == {}


def test_plug_in_called_auto_is_refused(plug_in):
    plug_in("rogue", GOOD.replace("NAME", "auto"), {"auto": "rogue:Model"})
    assert registry.broken_models() == {"auto (rogue:Model)": "its name 'auto' is taken by another model"}
    assert "auto" not in available_models()


def test_second_plug_in_of_one_name_is_refused(plug_in):
    plug_in("first", GOOD.replace("NAME", "twin"), {"twin": "first:Model"})
    plug_in("second", GOOD.replace("NAME", "twin"), {"twin": "second:Model"})
    (refused,) = registry.broken_models()
    assert refused in ("twin (first:Model)", "twin (second:Model)")
    assert available_models().count("twin") == 1
    assert f"twin ({get_model('twin').__module__}:Model)" != refused


@dataclass(frozen=True)
class Bad(LocalModel):
    """Breaks the protocol when it forecasts."""

    name: ClassVar[str] = "bad"
    column: ClassVar[str] = "Bad"

    how: str = ""

    def forecast(self, values, task):
        quantiles = np.cumsum(np.ones((len(values), task.horizon, len(task.quantiles))), axis=-1)
        wrong = {
            "horizon": quantiles[:, 1:],
            "quantiles": quantiles[..., :1],
            "flat": quantiles[..., 0],
            "list": quantiles.tolist(),
            "complex": quantiles + 1j,
            "objects": quantiles.astype(object),
            "crossing": quantiles[..., ::-1],
        }
        return wrong[self.how]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("horizon", r"returned shape \(\d+, 1, 5\): expected \(\d+, 2, 5\)"),
        ("quantiles", r"returned shape \(\d+, 2, 1\): expected \(\d+, 2, 5\)"),
        ("flat", r"returned shape \(\d+, 2\): expected \(\d+, 2, 5\)"),
        ("list", "returned list: expected an array"),
        ("complex", "returned complex128 numbers: expected real ones"),
        ("objects", "returned object numbers: expected real ones"),
        ("crossing", "returned quantiles that cross: expected increasing ones"),
    ],
)
def test_forecast_that_breaks_the_protocol_is_refused_by_name(how, message):
    with pytest.raises(ConfigError, match=rf"^Model 'bad' {message}\. gatecast\.testing\.check_model shows"):
        gc.Forecaster(h=2, model=["naive", Bad(how)]).fit({"y": np.arange(40.0)}).predict()
