"""What a search found, as sentences: on the windows that chose the settings, and on the test part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatecast._utils.formatting import format_count

__all__ = ["describe_settings", "describe_test", "describe_validation"]

TEMPLATES = {
    "only_default": "Only the default setting, {settings}, was tried on {windows}: its {measure} is {default:.3g}.",
    "default_best": (
        "None of {n_trials:,} trials is better on {windows} than the default setting, {settings}: its {measure} is "
        "{default:.3g}."
    ),
    "tuned_best": (
        "The best of {n_trials:,} trials, {settings}, has a {change} than the default setting on {windows}: {measure} "
        "{tuned:.3g} instead of {default:.3g}."
    ),
    "test_default": "On the newest rows, which no trial saw, its {measure} is {default:.3g}.",
    "test_tuned": (
        "On the newest rows, which no trial saw, it has a {change}: {measure} {tuned:.3g} instead of {default:.3g}."
    ),
    "not_kept": " The gain on the windows does not carry over: the default setting may do as well.",
}
"""Sentences of a search."""


def describe_validation(
    n_trials: int, n_windows: int, best: Mapping[str, Any], measure: str, validation: Mapping[str, float]
) -> str:
    """Return what was gained on the windows.

    Args:
        n_trials: Number of trials.
        n_windows: Cutoffs of each trial.
        best: The best settings, by name.
        measure: "MASE" or "MAE".
        validation: Errors of "default" and "tuned".
    """
    kind = "tuned_best"
    if validation["tuned"] == validation["default"]:
        kind = "only_default" if n_trials == 1 else "default_best"
    facts = {"n_trials": n_trials, "windows": format_count(n_windows, "window"), "settings": describe_settings(best)}
    return TEMPLATES[kind].format(**facts, measure=measure, change=_change(validation), **validation)


def describe_test(measure: str, validation: Mapping[str, float], test: Mapping[str, float]) -> str:
    """Return what is left of the gain on the test part.

    Args:
        measure: "MASE" or "MAE".
        validation: Errors of "default" and "tuned" on the windows.
        test: The same on the test part.
    """
    if validation["tuned"] == validation["default"]:
        return TEMPLATES["test_default"].format(measure=measure, **test)
    text = TEMPLATES["test_tuned"].format(measure=measure, change=_change(test), **test)
    return text + (TEMPLATES["not_kept"] if test["tuned"] >= test["default"] else "")


def describe_settings(settings: Mapping[str, Any]) -> str:
    """Return the settings of a trial in a line.

    Example:
        >>> settings = {"cell": "gru", "units": 8, "n_layers": 1, "input_size": 12, "dropout": 0.1}
        >>> describe_settings(settings | {"learning_rate": 0.003, "n_members": 2})
        'gru, 8 units, 1 layer, input size 12, dropout 0.1, learning rate 0.003, 2 members'
    """
    sizes = (settings["cell"], format_count(settings["units"], "unit"), format_count(settings["n_layers"], "layer"))
    numbers = (
        f"input size {settings['input_size']}",
        f"dropout {settings['dropout']:.2g}",
        f"learning rate {settings['learning_rate']:.2g}",
    )
    return ", ".join((*sizes, *numbers, format_count(settings["n_members"], "member")))


def _change(errors: Mapping[str, float]) -> str:
    """Return how much smaller or larger the tuned error is."""
    if not errors["default"] > 0:
        return "error that cannot be compared"
    percent = 100 * (1 - errors["tuned"] / errors["default"])
    return f"{abs(percent):.1f} % {'smaller' if percent >= 0 else 'larger'} error"
