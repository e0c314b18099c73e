"""`gatecast tune`: search for better settings of the networks."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

import gatecast
from gatecast.cli.input_files import check_futr_df, check_source, named_path, require_futr_df_for, source_name
from gatecast.cli.models import available_cells
from gatecast.cli.options import (
    POSITIVE,
    WHOLE,
    File,
    ForecasterOptions,
    FutrDf,
    Json,
    Language,
    Plot,
    Report,
    Setting,
    parse_option,
)
from gatecast.cli.output import echo, format_findings, format_table, print_document, progress
from gatecast.cli.output_files import (
    MODEL,
    PLOT,
    REPORT,
    check_distinct,
    check_not_input,
    check_outputs,
    write_outputs,
)
from gatecast.errors import ConfigError
from gatecast.reporting.language import check_language

if TYPE_CHECKING:
    from gatecast.selection.tune import TuneResult

__all__ = ["EXAMPLE", "tune"]

EXAMPLE = "gatecast tune sales.csv --n-trials 50 --study sales.db --out best.gatecast"

MAX_TRIALS = 5
"""Best trials on the screen."""

NTrials = Annotated[
    str, typer.Option(metavar="N", help="Settings to try, the default included."), Setting("n_trials", WHOLE, "30")
]
NWindows = Annotated[
    str, typer.Option(metavar="N", help="Cutoffs that score a trial."), Setting("n_windows", WHOLE, "2")
]
Timeout = Annotated[
    str | None,
    typer.Option(metavar="S", help="Seconds after which no trial starts."),
    Setting("timeout", POSITIVE, "600"),
]


def tune(
    file: File,
    options: ForecasterOptions,
    n_trials: NTrials = "30",
    n_windows: NWindows = "2",
    timeout: Timeout = None,
    study: Annotated[
        str | None, typer.Option(metavar="FILE", help="Keep the trials in NAME.db, and resume from it.")
    ] = None,
    futr_df: FutrDf = None,
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Write the best forecaster: NAME.gatecast.")] = None,
    plot: Plot = None,
    report: Report = None,
    language: Language = "en",
    json: Json = False,
) -> None:
    """Search for better settings of the networks of FILE.

    Prints the best trials, which settings matter, and the gain on rows that no trial saw. Needs pip install
    'gatecast[tune]'. With --model, only that cell is tried.
    """
    check_language(language)
    source, future = check_source(file), check_futr_df(futr_df, file)
    search = {
        "n_trials": parse_option("--n-trials", n_trials, NTrials),
        "n_windows": parse_option("--n-windows", n_windows, NWindows),
        "timeout": parse_option("--timeout", timeout, Timeout),
    }
    settings = options.settings()
    if report is not None:
        require_futr_df_for(settings["data"].futr_exog, future)
    search_space = _search_space(settings.pop("model"))
    trials = None if study is None else named_path(study, "--study")
    targets = check_outputs([source, future, trials], {MODEL: out, PLOT: plot, REPORT: report})
    if trials is not None:
        check_not_input(trials, "--study", [source, future])
        check_distinct(trials, "--study", targets)
    from gatecast.selection.study import require_optuna
    from gatecast.selection.tune import tune as run_search

    require_optuna()
    began = perf_counter()
    with progress(wanted=not json) as callback:
        result = run_search(source, study=study, search_space=search_space, progress=callback, **search, **settings)
    files = write_outputs(
        targets,
        {
            "--out": result.forecaster.save,
            "--plot": result.plot,
            "--report": lambda path: gatecast.report(
                result.forecaster,
                path,
                futr_df=future,
                tune_result=result,
                source_name=source_name(source),
                language=language,
            ),
        },
    )
    if json:
        seconds = round(perf_counter() - began, 3)
        print_document("tune", _facts(result) | {"files": files, "seconds": seconds}, result.findings)
        return
    lines = [
        format_findings(result.findings),
        "",
        _best_trials(result),
        *_search_facts(result),
        result.validation_summary,
        result.test_summary,
    ]
    echo("\n".join([*lines, *(f"written: {name}" for name in files)]))


def _search_space(model: str | list[str]) -> dict[str, Any] | None:
    """Return the cells that --model names; None for all of them."""
    cells, named = available_cells(), [model] if isinstance(model, str) else model
    if named == ["auto"]:
        return None
    unknown = [name for name in named if name not in cells]
    if unknown:
        expected = f"{', '.join(cells)}, or auto for all of them"
        raise ConfigError(f"Invalid --model {unknown[0]!r}", expected=expected, argument="model")
    return {"cell": named}


def _best_trials(result: TuneResult) -> str:
    """Return a table with the best trials."""
    import numpy as np

    error = result.trials["value"]
    # NaN, the error of a trial that was stopped early, sorts last.
    best = np.argsort(error, kind="stable")[: min(MAX_TRIALS, int(np.isfinite(error).sum()))]
    titles = {"number": "trial", "value": result.measure}
    columns = {titles.get(name, name): column for name, column in result.trials.items() if name != "state"}
    return format_table([{title: column[k] for title, column in columns.items()} for k in best])


def _search_facts(result: TuneResult) -> list[str]:
    """Return how many trials there were, and which settings matter."""
    n_pruned = int((result.trials["state"] == "pruned").sum())
    facts = [
        f"trials: {len(result.trials['number'])}, {n_pruned} of them stopped early; trial 0 is the default setting"
    ]
    if result.importance:
        shares = (f"{name} {100 * share:.0f} %" for name, share in result.importance.items())
        facts.append(f"importance: {', '.join(shares)}")
    return facts


def _facts(result: TuneResult) -> dict[str, Any]:
    """Return the result as plain values."""
    from gatecast.cli.json_output import rows

    return {
        "measure": result.measure,
        "trials": rows(result.trials),
        "importance": result.importance,
        "best": result.best,
        "validation": result.validation,
        "test": result.test,
        "gain": result.validation_summary,
        "kept": result.test_summary,
        "study": result.study,
    }
