"""`gatecast compare`: models on the same past cutoffs."""

from __future__ import annotations

import gatecast
from gatecast.cli.input_files import check_source, source_name
from gatecast.cli.options import (
    File,
    ForecasterOptions,
    Json,
    Language,
    Models,
    NWindows,
    Out,
    Plot,
    Report,
    SafeCsv,
    parse_option,
)
from gatecast.cli.output import format_findings, format_table, print_document, print_parts, progress
from gatecast.cli.output_files import PLOT, REPORT, TABLE, check_outputs, write_outputs
from gatecast.reporting.language import check_language

__all__ = ["EXAMPLE", "compare"]

EXAMPLE = "gatecast compare sales.csv -n 12 --models lstm,gru,rnn"

COLUMNS = ("model", "mae", "rmse", "mase", "skill", "p_value", "p_best", "missing", "seconds", "parameters")
"""Scores on the screen; --json has all."""


def compare(
    file: File,
    options: ForecasterOptions,
    models: Models = None,
    n_windows: NWindows = "3",
    out: Out = None,
    safe_csv: SafeCsv = False,
    plot: Plot = None,
    report: Report = None,
    language: Language = "en",
    json: Json = False,
) -> None:
    """Compare models on FILE at the same past cutoffs.

    Prints the errors of each model, whether the differences may be chance, and which model to take. --out writes the
    errors of every series and cutoff.
    """
    check_language(language)
    source = check_source(file)
    count, names = parse_option("--n-windows", n_windows, NWindows), parse_option("--models", models, Models)
    settings = {name: value for name, value in options.settings().items() if name != "model"}
    targets = check_outputs([source], {TABLE: out, PLOT: plot, REPORT: report})
    from gatecast.cli.json_output import rows
    from gatecast.data.sources.writers import write
    from gatecast.plotting.charts import show
    from gatecast.selection.charts import comparison_chart
    from gatecast.selection.compare import compare as compare_models

    with progress(wanted=not json) as callback:
        comparison = compare_models(source, models=names, n_windows=count, progress=callback, **settings)
    files = write_outputs(
        targets,
        {
            "--out": lambda path: write(comparison.fold_scores, path, safe_csv=safe_csv),
            "--plot": lambda path: show(comparison_chart(comparison), path),
            "--report": lambda path: gatecast.report(
                None, path, comparison=comparison, source_name=source_name(source), language=language
            ),
        },
    )
    if json:
        facts = {
            "best": comparison.best,
            "recommendation": comparison.recommendation,
            "note": comparison.size_note,
            "horizon": comparison.h,
            "season": comparison.season_length,
            "cutoffs": count,
            "units": comparison.matched_units,
            "scores": rows(comparison.scores),
            "files": files,
        }
        print_document("compare", facts, comparison.findings)
        return
    shown = {name: comparison.scores[name] for name in COLUMNS if name in comparison.scores}
    findings = format_findings(comparison.findings)
    print_parts(findings, format_table(rows(shown)), comparison.recommendation, comparison.size_note, files=files)
