"""The tools: name, title, form of the arguments, form of the result."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import BaseModel

from gatecast.mcp import forms, results

__all__ = ["TOOLS", "ToolKind", "schema_of"]


class ToolKind(NamedTuple):
    """A tool.

    Args:
        title: For people.
        form: Of the arguments; its docstring tells the model what the tool is for.
        result: Of the facts.
    """

    title: str
    form: type[forms.Form]
    result: type[BaseModel]


TOOLS: dict[str, ToolKind] = {
    "inspect_table": ToolKind("Inspect a table", forms.InspectTable, results.InspectResult),
    "forecast": ToolKind("Forecast time series", forms.Forecast, results.ForecastResult),
    "backtest": ToolKind("Score forecasts of the past", forms.Backtest, results.BacktestResult),
    "compare": ToolKind("Compare models", forms.Compare, results.CompareResult),
    "explain": ToolKind("Explain a forecast", forms.Explain, results.ExplainResult),
    "report": ToolKind("Write a report page", forms.Report, results.ReportResult),
}


def schema_of(form: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of arguments without what tells a model nothing: titles, and null for what is left out."""
    schema: dict[str, Any] = _briefly(form.model_json_schema())
    return schema


def _briefly(part: Any) -> Any:
    """Return a part of a schema without titles, and without null where it is the default."""
    if isinstance(part, list):
        return [_briefly(item) for item in part]
    if not isinstance(part, dict):
        return part
    # Properties may be called "title" themselves: those are objects.
    brief = {name: _briefly(item) for name, item in part.items() if name != "title" or not isinstance(item, str)}
    if brief.get("default", ...) is None and "anyOf" in brief:
        del brief["default"]
        kinds = [kind for kind in brief.pop("anyOf") if kind != {"type": "null"}]
        brief |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    return brief
