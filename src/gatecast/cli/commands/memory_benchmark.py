"""`gatecast memory-benchmark`: recurrent cells on tasks that need a memory."""

from __future__ import annotations

from typing import Annotated

import typer

import gatecast
from gatecast.cli.options import NAMES, WHOLE, Cells, Json, Language, Out, Plot, Report, Setting, parse_option
from gatecast.cli.output import format_table, print_document, print_parts, progress
from gatecast.cli.output_files import PLOT, REPORT, TABLE, check_outputs, write_outputs
from gatecast.reporting.language import check_language

__all__ = ["EXAMPLE", "memory_benchmark"]

EXAMPLE = "gatecast memory-benchmark --cells rnn,lstm --n-seeds 1 --plot memory.png"

Tasks = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Tasks: adding, order, recall, copy. Default: all."),
    Setting("tasks", NAMES, "adding,order"),
]
NSeeds = Annotated[
    str, typer.Option(metavar="N", help="Trainings of each cell on each task."), Setting("n_seeds", WHOLE, "3")
]


def memory_benchmark(
    cells: Cells = None,
    tasks: Tasks = None,
    n_seeds: NSeeds = "3",
    out: Out = None,
    plot: Plot = None,
    report: Report = None,
    language: Language = "en",
    json: Json = False,
) -> None:
    """Train recurrent cells on tasks that need a memory.

    Prints which cell solves which task, with how many updates, and the error of an answer without memory. It makes its
    own data. --out writes the loss every 25 updates.
    """
    check_language(language)
    names, chosen = parse_option("--cells", cells, Cells), parse_option("--tasks", tasks, Tasks)
    count = parse_option("--n-seeds", n_seeds, NSeeds)
    targets = check_outputs([], {TABLE: out, PLOT: plot, REPORT: report})
    from gatecast.cli.json_output import rows
    from gatecast.data.sources.writers import write
    from gatecast.plotting.charts import show
    from gatecast.selection.charts import memory_chart
    from gatecast.selection.memory_tasks.benchmark import memory_benchmark as run_benchmark
    from gatecast.selection.memory_tasks.summary import summarize_runs

    with progress(wanted=not json) as callback:
        benchmark = run_benchmark(chosen, names, seeds=count, progress=callback)
    files = write_outputs(
        targets,
        {
            "--out": lambda path: write(benchmark.table, path),
            "--plot": lambda path: show(memory_chart(benchmark), path),
            "--report": lambda path: gatecast.report(None, path, memory_benchmark=benchmark, language=language),
        },
    )
    if json:
        facts = {"sentence": benchmark.sentence, "probes": rows(benchmark.results), "files": files}
        print_document("memory-benchmark", facts)
        return
    lines = [
        {
            "task": f"{run.task} {run.length}",
            "cell": run.cell,
            "parameters": run.n_parameters,
            "solved": f"{run.n_solved}/{run.n_runs}",
            "updates": run.mean_updates,
            "loss": run.mean_loss,
            "naive": run.naive_loss,
            "right": f"{100 * run.mean_accuracy:.0f} %",
            "seconds": run.total_seconds,
        }
        for run in summarize_runs(benchmark.results)
    ]
    print_parts(format_table(lines), benchmark.sentence, files=files)
