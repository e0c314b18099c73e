"""`gatecast tune`: a search over settings of the networks, its best trials, and what was gained."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatecast.app.options import check_plot, check_source, parse_whole
from gatecast.app.outputs import MODEL_SUFFIX, REPORT_SUFFIXES, check_output, staged
from gatecast.app.words import File, Json, Words, shared
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from gatecast.tuning import Tuned

__all__ = ["register"]

SHOWN = 5
"""Best trials that are shown."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(shared(tune))


def tune(
    file: File,
    words: Words,
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
    report: Annotated[str | None, typer.Option(metavar="PATH", help="Write a page: .html.")] = None,
    json: Json = False,
) -> None:
    """Search for better settings of the networks of FILE. Needs the `tune` extra."""
    from gatecast.app.terminal import progress_line
    from gatecast.studies import require_optuna
    from gatecast.tuning import tune as search

    path = check_source(file)
    targets = _targets(path, out, plot, report)
    count = parse_whole(trials, "--trials", least=1, fix="Write --trials 30.") or 1
    cutoffs = parse_whole(folds, "--folds", least=1, fix="Write --folds 2.") or 1
    seconds = parse_whole(timeout, "--timeout", least=1, fix="Write --timeout 600 for ten minutes.")
    settings = words.settings()
    space = _space(settings.pop("model"))
    if study is not None and isinstance(path, Path) and Path(study).exists() and path.samefile(study):
        raise ConfigError("--study would overwrite FILE", where=study, fix="Choose another name.")
    require_optuna()
    began = perf_counter()
    with progress_line(sys.stderr, wanted=not json) as progress:
        tuned = search(
            path, trials=count, folds=cutoffs, timeout=seconds, study=study, space=space, progress=progress, **settings
        )
    writers: dict[str, Callable[[Path], Any]] = {
        "--out": tuned.forecaster.save, "--plot": tuned.plot, "--report": lambda draft: _page(tuned, draft),
    }  # fmt: skip
    with staged(list(targets.values())) as drafts:
        for option, draft in zip(targets, drafts, strict=True):
            writers[option](draft)
    written = [str(target) for target in targets.values()]
    if json:
        typer.echo(_document(tuned, written, perf_counter() - began))
        return
    for line in (*_lines(tuned), *(f"written: {name}" for name in written)):
        typer.echo(line)


def _space(model: str) -> dict[str, Any] | None:
    """The cells that --model names."""
    from gatecast.panel_lstm import CELLS

    if model == "auto":
        return None
    if model not in CELLS:
        raise ConfigError(
            "--model cannot be tuned", got=repr(model), expected=", ".join(CELLS) + ", or auto for all of them"
        )
    return {"cell": [model]}


def _targets(source: Path | str, out: str | None, plot: str | None, report: str | None) -> dict[str, Path]:
    """The files that are to be written, checked."""
    targets = {option: Path(name) for option, name in (("--out", out), ("--plot", plot), ("--report", report)) if name}
    if out:
        check_output(targets["--out"], "--out", (MODEL_SUFFIX,), source)
    if plot:
        from gatecast.charts import require_library

        check_plot(targets["--plot"], source)
        require_library(targets["--plot"])
    if report:
        from gatecast.reporting.build import require_plotly

        check_output(targets["--report"], "--report", REPORT_SUFFIXES, source)
        require_plotly()
    return targets


def _page(tuned: Tuned, draft: Path) -> None:
    """The report."""
    from gatecast.reporting.build import report

    report(tuned.forecaster, draft, tuned=tuned)


def _lines(tuned: Tuned) -> list[str]:
    """The best trials as a table, what matters, what was gained."""
    from gatecast.app.document import rows

    ranked = [row for row in rows(tuned.trials) if row["value"] is not None]
    ranked = sorted(ranked, key=lambda row: row["value"])[:SHOWN]
    names = [name for name in tuned.trials if name != "state"]
    grid = [["trial", tuned.measure, *names[2:]], *([_text(row[name]) for name in names] for row in ranked)]
    widths = [max(len(row[k]) for row in grid) for k in range(len(names))]
    lines = ["  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in grid]
    pruned = int((tuned.trials["state"] == "pruned").sum())
    lines.append(f"trials: {len(tuned.trials['number'])}, {pruned} of them cut short; trial 0 is the default setting")
    if tuned.importance:
        lines.append("matters: " + ", ".join(f"{name} {share:.0%}" for name, share in tuned.importance.items()))
    return [*lines, tuned.gain, tuned.kept]


def _document(tuned: Tuned, written: list[str], seconds: float) -> str:
    """All of it as JSON."""
    from gatecast.app.document import SCHEMA_VERSION, rows, to_json
    from gatecast.texts import plain

    def clean(shares: dict[str, Any]) -> dict[str, Any]:
        """Values without NaN."""
        return {name: plain(value) for name, value in shares.items()}

    told = {
        "schema_version": SCHEMA_VERSION, "measure": tuned.measure, "trials": rows(tuned.trials),
        "importance": clean(tuned.importance), "best": clean(tuned.best), "validation": clean(tuned.validation),
        "test": clean(tuned.test), "gain": tuned.gain, "kept": tuned.kept, "study": tuned.study, "files": written,
        "seconds": round(seconds, 3),
    }  # fmt: skip
    return to_json(told)


def _text(value: Any) -> str:
    """A cell."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
