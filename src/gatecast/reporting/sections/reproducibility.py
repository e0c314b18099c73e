"""The section that says what it takes to get the same again: settings, versions, machine level, and the call."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from gatecast._utils.versions import versions
from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.kernels.native import get_num_threads, isa
from gatecast.nn.sequential import Sequential
from gatecast.reporting.blocks import Code, FactList, Paragraph, Part, Section, table_of

__all__ = ["call", "reproduce_section"]

OWN = ("model", "season_length", "freq", "seed", "id_col", "time_col", "target_col")
CONFIGS = {"network": NetworkConfig, "training": TrainingConfig, "data": DataConfig}


def reproduce_section(forecaster: Any = None) -> Section:
    """Settings and versions; the same of all of these give the same numbers, to the bit.

    Args:
        forecaster: A fitted `Forecaster`; None: versions alone.
    """
    facts = [*versions().items(), ("kernels", isa()), ("threads", str(get_num_threads()))]
    if forecaster is None:
        return Section("reproduce", "To get the same again", (FactList(facts),))
    panel, h = forecaster.panel_, forecaster.h_
    chosen = [
        ("series", f"{len(panel):,}"),
        ("rows", f"{len(panel.values):,}"),
        ("frequency", panel.freq.label),
        ("horizon", str(h)),
        ("season", str(forecaster.season_length_)),
        ("seconds to fit", f"{forecaster.fit_seconds_:.1f}"),
    ]
    weights = [(f"weight of {name}", f"{weight:.3f}") for name, weight in forecaster.model_weights_.items()]
    recipe = forecaster._trained.learned.recipe
    settings = [*recipe.members, *recipe.hybrids, *recipe.own]
    names = list(dict.fromkeys(field.name for one in settings for field in fields(one)))
    columns: dict[str, list[Any]] = {"setting": names}
    for k, one in enumerate(settings):
        columns[f"network {k + 1}"] = [_value(getattr(one, name, None)) for name in names]
    parts: list[Part] = [
        Paragraph("The same data, settings, versions and kernels give the same numbers, to the bit."),
        Code(call(forecaster)),
    ]
    made: list[Part] = [table_of(columns, "Settings of the networks", folded=True)] if settings else []
    return Section("reproduce", "To get the same again", (*parts, FactList([*chosen, *weights, *facts]), *made))


def call(forecaster: Any) -> str:
    """The lines that make this forecaster.

    >>> from gatecast.forecaster import Forecaster
    >>> print(call(Forecaster(12, seed=3)))
    import gatecast as gc
    <BLANKLINE>
    forecaster = gc.Forecaster(12, level=(80, 95), seed=3).fit(data)
    """
    words = [] if forecaster.h is None else [str(forecaster.h)]
    words.append(f"level={forecaster.level or None}")
    defaults = {"model": "auto", "seed": 0}
    for name in OWN:
        value = getattr(forecaster, name)
        if value != defaults.get(name):
            words.append(f"{name}={'network' if isinstance(value, Sequential) else repr(value)}")
    for name, kind in CONFIGS.items():
        changed = _changed(getattr(forecaster, name), kind())
        if changed:
            words.append(f"{name}={kind.__name__}({changed})")
    names = [kind.__name__ for name, kind in CONFIGS.items() if f"{kind.__name__}(" in " ".join(words)]
    imports = f"from gatecast.config import {', '.join(names)}\n" if names else ""
    return f"import gatecast as gc\n{imports}\nforecaster = gc.Forecaster({', '.join(words)}).fit(data)"


def _changed(config: Any, default: Any) -> str:
    """What a record has that its default has not."""
    pairs = ((field.name, getattr(config, field.name), getattr(default, field.name)) for field in fields(config))
    return ", ".join(f"{name}={value!r}" for name, value, usual in pairs if value != usual)


def _value(value: Any) -> str:
    """A setting as text."""
    if is_dataclass(value):
        return type(value).__name__
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
