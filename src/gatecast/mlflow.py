"""Forecasters and networks as models of MLflow: `save_model`, `log_model`, `load_model`.

It needs `pip install "gatecast[mlflow]"`. A model is a folder with gatecast's own file: nothing is pickled, and loading
executes nothing that is in the file. Its pyfunc flavor forecasts in whatever serves models of MLflow:

- A **forecaster** takes a table, as `Forecaster.predict` does, and the parameters `h` and `level`. An empty table means
  the series of `fit`. Future exogenous columns come as rows without a target.
- A **network** takes an array (samples, time steps, features) and returns an array.

Source: MLflow's guide to flavors of models, https://mlflow.org/docs/latest/ml/model/.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast._utils.versions import __version__
from gatecast.errors import ConfigError, DataError, GatecastError
from gatecast.forecaster import Forecaster, load
from gatecast.nn.functional.model import Model
from gatecast.nn.loading import load_model as load_network
from gatecast.nn.sequential import Sequential

if TYPE_CHECKING:
    # To the type checker MLflow is what it is at run time: a library that may be missing.
    environment: Any
    models: Any
    pyfunc: Any
    schema: Any
    download_artifacts: Any
    yaml: Any
else:
    try:
        import yaml
        from mlflow import models, pyfunc
        from mlflow.artifacts import download_artifacts
        from mlflow.types import schema
        from mlflow.utils import environment
    except ImportError as error:
        what = "gatecast.mlflow needs MLflow, which is not installed"
        raise ConfigError(what, fix='Install it: pip install "gatecast[mlflow]"') from error

__all__ = ["load_model", "log_model", "save_model"]

FLAVOR = "gatecast"
"""Name of the flavor in the file `MLmodel`."""

FILES = {"forecaster": "model.gatecast", "network": "model.safetensors"}
"""File of each kind of model."""


def get_default_pip_requirements() -> list[str]:
    """Return the requirements of a model: the gatecast that saved it, and what MLflow needs to serve it."""
    return [f"gatecast[mlflow]=={__version__}"]


def get_default_conda_env() -> Any:
    """Return the environment of conda with these requirements."""
    return environment._mlflow_conda_env(additional_pip_deps=get_default_pip_requirements())


def save_model(
    gatecast_model: Forecaster | Sequential | Model,
    path: str | os.PathLike[str],
    conda_env: Any = None,
    mlflow_model: Any = None,
    signature: Any = None,
    input_example: Any = None,
    pip_requirements: Any = None,
    extra_pip_requirements: Any = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Save a fitted forecaster or a built network as a folder in the format of MLflow.

    Args:
        gatecast_model: The forecaster or network.
        path: The folder; it must not exist, or be empty.
        conda_env: Environment of conda, a dict or a path; None: gatecast of this version.
        mlflow_model: The `mlflow.models.Model` to add to; None: a new one.
        signature: Signature; None: `h` and `level` as parameters of a forecaster, none for a network.
        input_example: An example of the input, to be saved with the model.
        pip_requirements: Requirements, in place of gatecast of this version.
        extra_pip_requirements: Further requirements.
        metadata: Anything else for the file `MLmodel`.

    Raises:
        ConfigError: Another kind of model, a folder that is not empty, or a file that cannot be written.
        NotFittedError: A forecaster that is not fitted, or a network without weights.
    """
    kind = _kind_of(gatecast_model)
    folder = Path(path)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} exists", expected="a new or empty folder", fix="Choose another path.")
    environment._validate_env_arguments(conda_env, pip_requirements, extra_pip_requirements)
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        gatecast_model.save(folder / FILES[kind])
    except GatecastError:
        if made:
            folder.rmdir()
        raise

    model = models.Model() if mlflow_model is None else mlflow_model
    if signature is None and isinstance(gatecast_model, Forecaster):
        signature = _forecast_signature(gatecast_model)
    if signature is not None:
        model.signature = signature
    if metadata is not None:
        model.metadata = metadata
    if input_example is not None:
        models.utils._save_example(model, input_example, str(folder))
    names = environment._CONDA_ENV_FILE_NAME, environment._PYTHON_ENV_FILE_NAME
    pyfunc.add_to_model(
        model, loader_module="gatecast.mlflow", data=FILES[kind], conda_env=names[0], python_env=names[1]
    )
    model.add_flavor(FLAVOR, gatecast_version=__version__, kind=kind, data=FILES[kind])
    _write_environment(folder, conda_env, pip_requirements, extra_pip_requirements)
    model.save(str(folder / models.model.MLMODEL_FILE_NAME))


def log_model(
    gatecast_model: Forecaster | Sequential | Model,
    name: str = "model",
    *,
    registered_model_name: str | None = None,
    **options: Any,
) -> Any:
    """Save a model as an artifact of the active run of MLflow, or of a new one.

    Args:
        gatecast_model: The forecaster or network.
        name: Name of the model in the run.
        registered_model_name: Name in the registry of models, where a version is added.
        **options: As `save_model` takes them (`signature`, `input_example`, ...), and those of
            `mlflow.models.Model.log`.

    Returns:
        The `ModelInfo` of MLflow; its `model_uri` is what `load_model` takes.

    Raises:
        ConfigError: Another kind of model.
    """
    _kind_of(gatecast_model)
    return models.Model.log(
        artifact_path=None,
        name=name,
        flavor=sys.modules[__name__],
        registered_model_name=registered_model_name,
        gatecast_model=gatecast_model,
        **options,
    )


def load_model(model_uri: str | os.PathLike[str], dst_path: str | None = None) -> Forecaster | Sequential | Model:
    """Load a forecaster or network, with the bits that were saved.

    Args:
        model_uri: Where the model is: a folder, "runs:/...", "models:/..." or what else MLflow knows.
        dst_path: Folder to copy it to, if it is not local.

    Raises:
        FormatError: A file that is truncated, altered, or of a newer version.
        ConfigError: A model of another flavor.
    """
    folder = Path(download_artifacts(artifact_uri=str(model_uri), dst_path=dst_path))
    flavors = models.Model.load(str(folder)).flavors
    if FLAVOR not in flavors or flavors[FLAVOR].get("kind") not in FILES:
        raise ConfigError(
            f"{model_uri} is not a model of gatecast",
            got=f"flavors {', '.join(sorted(flavors)) or 'none'}",
            fix="Load it with mlflow.pyfunc.load_model.",
        )
    # Only the two names that are written are read: a file that names another one cannot lead elsewhere.
    return _load(folder / FILES[flavors[FLAVOR]["kind"]])


def _load_pyfunc(path: str) -> _ForecasterModel | _NetworkModel:
    """Return what MLflow calls to predict; `path` is the file of the model."""
    model = _load(Path(path))
    return _ForecasterModel(model) if isinstance(model, Forecaster) else _NetworkModel(model)


def _load(file: Path) -> Forecaster | Sequential | Model:
    """Load the file of a model by its name."""
    return load(file) if file.name == FILES["forecaster"] else load_network(file)


class _ForecasterModel:
    """A forecaster as MLflow calls it."""

    def __init__(self, forecaster: Forecaster) -> None:
        self._forecaster = forecaster

    def predict(self, model_input: Any = None, params: dict[str, Any] | None = None) -> Any:
        """Return the table of `Forecaster.predict`."""
        params = params or {}
        unknown = set(params) - {"h", "level"}
        if unknown:
            raise ConfigError(f"Unknown parameters {', '.join(sorted(unknown))}", expected="h and level")
        source = None if model_input is None or len(model_input) == 0 else model_input
        level, h = params.get("level"), params.get("h")
        return self._forecaster.predict(
            source,
            h=None if h is None else int(h),
            level=None if level is None or np.size(level) == 0 else [float(value) for value in np.ravel(level)],
            output="pandas",
        )


class _NetworkModel:
    """A network as MLflow calls it."""

    def __init__(self, network: Sequential | Model) -> None:
        self._network = network

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the outputs of the network."""
        if params:
            raise ConfigError(f"Unknown parameters {', '.join(sorted(params))}", expected="none: it is a network")
        if hasattr(model_input, "columns"):
            raise DataError(
                "The input is a table",
                expected="an array (samples, time steps, features)",
                fix="Pass table.to_numpy() in the shape of the windows.",
            )
        return self._network.predict(model_input, verbose=0)


def _kind_of(model: Any) -> str:
    """Return "forecaster" or "network"."""
    if isinstance(model, Forecaster):
        return "forecaster"
    if isinstance(model, Sequential | Model):
        return "network"
    raise ConfigError(
        f"Cannot save a {type(model).__name__} as a model of gatecast",
        expected="a Forecaster, a Sequential or a functional Model",
        argument="gatecast_model",
    )


def _forecast_signature(forecaster: Forecaster) -> Any:
    """Return the signature of a forecaster: any table, `h` and `level`."""
    return models.ModelSignature(
        params=schema.ParamSchema(
            [
                schema.ParamSpec("h", schema.DataType.long, forecaster.h_),
                schema.ParamSpec("level", schema.DataType.double, [float(value) for value in forecaster.level], (-1,)),
            ]
        )
    )


def _write_environment(folder: Path, conda_env: Any, pip_requirements: Any, extra_pip_requirements: Any) -> None:
    """Write the files that say what a model needs, as every flavor of MLflow does."""
    if conda_env is None:
        conda_env, requirements, constraints = environment._process_pip_requirements(
            get_default_pip_requirements(), pip_requirements, extra_pip_requirements
        )
    else:
        conda_env, requirements, constraints = environment._process_conda_env(conda_env)
    (folder / environment._CONDA_ENV_FILE_NAME).write_text(yaml.safe_dump(conda_env, default_flow_style=False))
    if constraints:
        (folder / environment._CONSTRAINTS_FILE_NAME).write_text("\n".join(constraints))
    (folder / environment._REQUIREMENTS_FILE_NAME).write_text("\n".join(requirements))
    environment._PythonEnv.current().to_yaml(str(folder / environment._PYTHON_ENV_FILE_NAME))
