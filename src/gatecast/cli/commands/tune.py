"""`gatecast tune`: a search over settings of the networks, its best trials, and what was gained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from gatecast.cli.options import check_input, check_plot, check_source, parse_whole
from gatecast.cli.output import check_report, document, format_table, progress
from gatecast.cli.output_files import MODEL_SUFFIX, check_output, write_atomically
from gatecast.cli.words import CommonOptions, File, Future, Json, Report, shared
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from gatecast.selection.tune import TuneResult

__all__ = ["register"]

SHOWN = 5
"""Best trials that are shown."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(shared(tune))


def tune(
    file: File,
    words: CommonOptions,
    trials: Annotated[str, typer.Option(metavar="N", help="Settings that are tried, in all.")] = "30",
    folds: Annotated[str, typer.Option(metavar="N", help="Cutoffs that a trial is judged by.")] = "2",
    timeout: Annotated[str | None, typer.Option(metavar="S", help="Seconds after which no trial begins.")] = None,
    study: Annotated[
        str | None, typer.Option(metavar="PATH", help="Keep the trials in NAME.db, and go on from there.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="PATH", help="Where the best forecaster goes: NAME.gatecast.")
    ] = None,
    plot: Annotated[str | None, typer.Option(metavar="PATH", help="Draw the trials: .png or .svg.")] = None,
    report: Report = None,
    future: Future = None,
    json: Json = False,
) -> None:
    """Search for better settings of the networks of FILE. Needs the `tune` extra."""
    from gatecast.selection.study import require_optuna
    from gatecast.selection.tune import tune as search

    path = check_source(file)
    targets = _targets(path, out, plot, report)
    count = parse_whole(trials, "--trials", least=1, fix="Write --trials 30.") or 1
    cutoffs = parse_whole(folds, "--folds", least=1, fix="Write --folds 2.") or 1
    seconds = parse_whole(timeout, "--timeout", least=1, fix="Write --timeout 600 for ten minutes.")
    ahead = None if future is None else check_input(future, "--future")
    settings = words.settings()
    if report is not None and settings["data"].known and ahead is None:
        raise ConfigError(
            "--report needs the known columns for the steps ahead",
            fix="Write --future prices.csv, or leave --report out.",
        )
    space = _space(settings.pop("model"))
    if study is not None and isinstance(path, Path) and Path(study).exists() and path.samefile(study):
        raise ConfigError("--study would overwrite FILE", where=study, fix="Choose another name.")
    require_optuna()
    began = perf_counter()
    with progress(wanted=not json) as shown:
        tuned = search(
            path,
            n_trials=count,
            n_windows=cutoffs,
            timeout=seconds,
            study=study,
            search_space=space,
            progress=shown,
            **settings,
        )
    writers: dict[str, Callable[[Path], Any]] = {
        "--out": tuned.forecaster.save,
        "--plot": tuned.plot,
        "--report": lambda draft: _page(tuned, draft, ahead),
    }
    with write_atomically(list(targets.values())) as drafts:
        for option, draft in zip(targets, drafts, strict=True):
            writers[option](draft)
    written = [str(target) for target in targets.values()]
    if json:
        document(_told(tuned, written, perf_counter() - began))
        return
    for line in (*_lines(tuned), *(f"written: {name}" for name in written)):
        typer.echo(line)


def _space(model: str) -> dict[str, Any] | None:
    """The cells that --model names."""
    from gatecast.forecasting.panel_rnn.model import CELLS

    if model == "auto":
        return None
    if model not in CELLS:
        raise ConfigError(
            "--model cannot be tuned", got=repr(model), expected=", ".join(CELLS) + ", or auto for all of them"
        )
    return {"cell": [model]}


def _targets(source: Path | str, out: str | None, plot: str | None, report: str | None) -> dict[str, Path]:
    """The files that are to be written, checked."""
    if out is not None:
        check_output(Path(out), "--out", (MODEL_SUFFIX,), source)
    if plot is not None:
        from gatecast.plotting.charts import require_library

        check_plot(Path(plot), source)
        require_library(Path(plot))
    if report is not None:
        check_report(report, source)
    named = {"--out": out, "--plot": plot, "--report": report}
    return {option: Path(name) for option, name in named.items() if name is not None}


def _page(tuned: TuneResult, draft: Path, future: Path | None) -> None:
    """The report."""
    from gatecast.reporting.html_report import report

    report(tuned.forecaster, draft, futr_df=future, tune_result=tuned)


def _lines(tuned: TuneResult) -> list[str]:
    """The best trials as a table, what matters, what was gained."""
    value, number = tuned.trials["value"], tuned.trials["number"]
    # NaN, of trials that were cut short, comes last.
    ranked = np.argsort(value, kind="stable")[: min(SHOWN, int(np.isfinite(value).sum()))]
    shown = {"number": "trial", "value": tuned.measure}
    names = {name: shown.get(name, name) for name in tuned.trials if name != "state"}
    lines = [format_table([{told: tuned.trials[name][k] for name, told in names.items()} for k in ranked])]
    pruned = int((tuned.trials["state"] == "pruned").sum())
    lines.append(f"trials: {len(number)}, {pruned} of them cut short; trial 0 is the default setting")
    if tuned.importance:
        lines.append("matters: " + ", ".join(f"{name} {100 * share:.0f} %" for name, share in tuned.importance.items()))
    return [*lines, tuned.validation_summary, tuned.test_summary]


def _told(tuned: TuneResult, files: list[str], seconds: float) -> dict[str, Any]:
    """All of it as plain values."""
    from gatecast.cli.json_output import rows

    return {
        "measure": tuned.measure,
        "trials": rows(tuned.trials),
        "importance": tuned.importance,
        "best": tuned.best,
        "validation": tuned.validation,
        "test": tuned.test,
        "gain": tuned.validation_summary,
        "kept": tuned.test_summary,
        "study": tuned.study,
        "files": files,
        "seconds": round(seconds, 3),
    }
