"""The section on reproducibility: the call, settings, versions, instruction set."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from gatecast._utils.versions import versions
from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.kernels.runtime import get_num_threads, isa
from gatecast.nn.sequential import Sequential
from gatecast.reporting.blocks import Block, Code, FactList, Paragraph, Section, table_from_columns

__all__ = ["constructor_call", "reproducibility_section"]

TITLE = "Reproducibility"
PARAMETERS = ("model", "season_length", "freq", "seed", "id_col", "time_col", "target_col")
CONFIGS = {"network": NetworkConfig, "training": TrainingConfig, "data": DataConfig}


def reproducibility_section(forecaster: Any = None) -> Section:
    """Build the section: what has to be equal for equal results.

    Args:
        forecaster: A fitted `Forecaster`; None for the versions only.
    """
    environment = [*versions().items(), ("kernels", isa()), ("threads", str(get_num_threads()))]
    if forecaster is None:
        return Section("reproducibility", TITLE, (FactList(environment),))
    panel = forecaster.panel_
    facts = [
        ("series", f"{len(panel):,}"),
        ("rows", f"{len(panel.values):,}"),
        ("frequency", panel.freq.label),
        ("horizon", str(forecaster.h_)),
        ("season", str(forecaster.season_length_)),
        ("seconds to fit", f"{forecaster.fit_seconds_:.1f}"),
    ]
    weights = [(f"weight of {name}", f"{weight:.3f}") for name, weight in forecaster.model_weights_.items()]
    blocks: list[Block] = [
        Paragraph("The same data, settings, versions and kernels give the same numbers, to the last bit."),
        Code(constructor_call(forecaster)),
        FactList([*facts, *weights, *environment]),
    ]
    configs = [config for config in forecaster.state_.ensemble.configs if config.family == "network"]
    networks = [member for config in configs for member in getattr(config, "configs", (config,))]
    if networks:
        names = list(dict.fromkeys(field.name for config in networks for field in fields(config)))
        columns: dict[str, list[Any]] = {"setting": names}
        for k, config in enumerate(networks, 1):
            columns[f"network {k}"] = [_to_text(getattr(config, name, None)) for name in names]
        blocks.append(table_from_columns(columns, "Settings of the networks", collapsed=True))
    return Section("reproducibility", TITLE, tuple(blocks))


def constructor_call(forecaster: Any) -> str:
    """Return the source code that creates and fits this forecaster.

    Example:
        >>> from gatecast.forecaster import Forecaster
        >>> print(constructor_call(Forecaster(12, seed=3)))
        import gatecast as gc
        <BLANKLINE>
        forecaster = gc.Forecaster(12, level=(80, 95), seed=3).fit(data)
    """
    arguments = [] if forecaster.h is None else [str(forecaster.h)]
    arguments.append(f"level={forecaster.level or None}")
    defaults = {"model": "auto", "seed": 0}
    for name in PARAMETERS:
        value = getattr(forecaster, name)
        if value != defaults.get(name):
            arguments.append(f"{name}={'network' if isinstance(value, Sequential) else repr(value)}")
    imports = []
    for name, kind in CONFIGS.items():
        changed = _changed_fields(getattr(forecaster, name), kind())
        if changed:
            arguments.append(f"{name}={kind.__name__}({changed})")
            imports.append(kind.__name__)
    header = f"from gatecast.config import {', '.join(imports)}\n" if imports else ""
    call = f"gc.Forecaster({', '.join(arguments)}).fit({_fit_arguments(forecaster)})"
    return f"import gatecast as gc\n{header}\nforecaster = {call}"


def _fit_arguments(forecaster: Any) -> str:
    """Return the arguments of `fit`."""
    configs = () if forecaster.state_ is None else forecaster.state_.ensemble.configs
    is_tuned = any(getattr(config, "finetune", False) for config in configs)
    return "data, finetune=True" if is_tuned and not forecaster.training.finetune else "data"


def _changed_fields(config: Any, default: Any) -> str:
    """Return the fields that differ from their defaults, as arguments."""
    values = ((field.name, getattr(config, field.name), getattr(default, field.name)) for field in fields(config))
    return ", ".join(f"{name}={value!r}" for name, value, default_value in values if value != default_value)


def _to_text(value: Any) -> str:
    """Format a setting."""
    if is_dataclass(value):
        return type(value).__name__
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
