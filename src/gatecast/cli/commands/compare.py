"""`gatecast compare`: models side by side on the same past cutoffs, or recurrent cells on tasks that need a memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatecast.cli.options import check_plot, check_source, parse_names, parse_whole
from gatecast.cli.output import check_report, document, format_table, progress, write_report
from gatecast.cli.output_files import TABLE_SUFFIXES, check_output, write_atomically
from gatecast.cli.words import CommonOptions, Json, Report, shared
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from gatecast.plotting.spec import Chart
    from gatecast.selection.compare import Comparison
    from gatecast.selection.memory_tasks.benchmark import MemoryBenchmark

__all__ = ["register"]

SEEDS, QUICK = 3, 1
"""Seeds of each probe, and with --quick."""

COLUMNS = ("model", "mae", "rmse", "mase", "skill", "p_value", "p_best", "seconds", "parameters")
"""Scores that are shown; --json has all."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(shared(compare, without=("model",)))


def compare(
    words: CommonOptions,
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="Table with times and values: .csv, .parquet, .json.")
    ] = None,
    models: Annotated[
        str | None, typer.Option(metavar="A,B", help="Models, or cells of --probe. Default: all of them.")
    ] = None,
    windows: Annotated[str | None, typer.Option(metavar="N", help="Cutoffs. Default: 3.")] = None,
    probe: Annotated[bool, typer.Option("--probe", help="Let the cells learn tasks that need a memory.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="With --probe: one seed instead of three.")] = False,
    out: Annotated[
        str | None, typer.Option(metavar="PATH", help="Write the errors of every fold, or every loss: .csv, ...")
    ] = None,
    plot: Annotated[str | None, typer.Option(metavar="PATH", help="Write a chart: .png or .svg.")] = None,
    report: Report = None,
    json: Json = False,
) -> None:
    """Compare models on the series in FILE at the same past cutoffs, or cells on tasks that need a memory (--probe)."""
    _check_task(file, words, windows, probe=probe, quick=quick)
    source = "" if file is None else check_source(file)
    if out is not None:
        check_output(Path(out), "--out", TABLE_SUFFIXES, source)
    if plot is not None:
        _check_chart(Path(plot), source)
    if report is not None:
        check_report(report, source)
    names = None if models is None else parse_names(models)
    if file is None:
        _probe(names, QUICK if quick else SEEDS, (out, plot, report), json=json)
    else:
        _compare(source, words, names, windows, (out, plot, report), json=json)


def _check_task(file: str | None, words: CommonOptions, windows: str | None, *, probe: bool, quick: bool) -> None:
    """Either a file or the probes, and no options that mean nothing."""
    if file is None and not probe:
        raise ConfigError(
            "there is nothing to compare on",
            expected="FILE or --probe",
            fix="Write gatecast compare sales.csv, or gatecast compare --probe.",
        )
    if file is not None and probe:
        raise ConfigError("--probe makes its own data", got=f"FILE {file!r} as well", fix="Leave one of them out.")
    if quick and not probe:
        fix = "Leave it out; fewer --models or --windows take less time."
        raise ConfigError("--quick belongs to --probe", got="FILE", fix=fix)
    usual = CommonOptions()
    given = [one.name for one in fields(CommonOptions) if getattr(words, one.name) != getattr(usual, one.name)]
    given += ["windows"] if windows is not None else []
    if probe and given:
        told = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ConfigError("--probe makes its own data", got=told, fix="Leave that out: it belongs to FILE.")


def _check_chart(path: Path, source: Path | str) -> None:
    """A picture that can be written and drawn."""
    from gatecast.plotting.charts import require_library

    check_plot(path, source)
    require_library(path)


Outputs = tuple[str | None, str | None, str | None]


def _compare(
    source: Path | str,
    words: CommonOptions,
    names: Sequence[str] | None,
    windows: str | None,
    outputs: Outputs,
    *,
    json: bool,
) -> None:
    """Models on a table."""
    from gatecast.cli.json_output import rows
    from gatecast.selection.charts import comparison_chart
    from gatecast.selection.compare import WINDOWS
    from gatecast.selection.compare import compare as run

    count = parse_whole(windows, "--windows", least=1, fix="Write --windows 3.") or WINDOWS
    settings = {name: value for name, value in words.settings().items() if name != "model"}
    with progress(wanted=not json) as tell:
        found = run(source, models=names, n_windows=count, progress=tell, **settings)
    written = _write(found.fold_scores, comparison_chart(found), outputs, comparison=found)
    if json:
        told = {"best": found.best, "recommendation": found.recommendation, "note": found.size_note, "horizon": found.h}
        told |= {
            "season": found.season_length,
            "cutoffs": count,
            "units": found.matched_units,
            "scores": rows(found.scores),
        }
        document(told | {"files": written})
        return
    shown = [name for name in COLUMNS if name in found.scores]
    _say(
        format_table(rows({name: found.scores[name] for name in shown})), found.recommendation, found.size_note, written
    )


def _probe(names: Sequence[str] | None, seeds: int, outputs: Outputs, *, json: bool) -> None:
    """Cells on the probes."""
    from gatecast.cli.json_output import rows
    from gatecast.selection.charts import probe_chart
    from gatecast.selection.memory_tasks.benchmark import memory_benchmark as run

    with progress(wanted=not json) as tell:
        found = run(cells=names, seeds=seeds, progress=tell)
    written = _write(found.table, probe_chart(found), outputs, memory_benchmark=found)
    if json:
        document({"sentence": found.sentence, "probes": rows(found.results), "files": written})
        return
    _say(format_table(_summary(found)), found.sentence, "", written)


def _summary(found: MemoryBenchmark) -> list[dict[str, Any]]:
    """A line a task and cell, over all seeds."""
    table, lines = found.results, []
    for task, cell in dict.fromkeys(zip(table["probe"].tolist(), table["cell"].tolist(), strict=True)):
        own = (table["probe"] == task) & (table["cell"] == cell)
        lines.append(
            {
                "probe": f"{task} {table['length'][own][0]}",
                "cell": cell,
                "parameters": int(table["parameters"][own][0]),
                "solved": f"{table['solved'][own].sum()}/{own.sum()}",
                "updates": int(table["step"][own].mean()),
                "loss": float(table["loss"][own].mean()),
                "naive": float(table["naive"][own][0]),
                "right": f"{100 * table['accuracy'][own].mean():.0f} %",
                "seconds": float(table["seconds"][own].sum()),
            }
        )
    return lines


def _write(
    table: Mapping[str, Any], chart: Chart, outputs: Outputs, **found: Comparison | MemoryBenchmark
) -> list[str]:
    """Table and chart, both or none, then the page; their names."""
    from gatecast.data.sources.writers import write
    from gatecast.plotting.charts import show

    out, plot, report = outputs
    files = [path for path in (out, plot) if path is not None]
    with write_atomically([Path(path) for path in files]) as drafts:
        for path, draft in zip(files, drafts, strict=True):
            if path is out:
                write(table, draft)
            else:
                show(chart, draft)
    if report is not None:
        write_report(report, None, **found)
        files.append(report)
    return files


def _say(table: str, sentence: str, note: str, files: Sequence[str]) -> None:
    """The table, what it means, what was written."""
    parts = [table, sentence, note, "\n".join(f"written: {path}" for path in files)]
    typer.echo("\n\n".join(part for part in parts if part))
