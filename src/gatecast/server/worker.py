"""A process that does one job and ends: `python -m gatecast.server.worker FOLDER`.

The folder has job.json and, of a table, the file body. The process writes result.json or error.json, and reports how
far it is as JSON lines on standard output. It ends as soon as its standard input does: when the server is gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import fields
from pathlib import Path
from typing import Any

from gatecast._utils.formatting import finite_or_none
from gatecast.pipeline.progress import Progress
from gatecast.server import compute, schemas
from gatecast.server.inspection import gates, inspect
from gatecast.server.problems import FACTS, problem_of
from gatecast.server.settings import Settings
from gatecast.server.store import write_json
from gatecast.server.tables import Body, parse, source_of

__all__ = ["FORMS", "MODEL", "PAGE", "main"]

MODEL, PAGE = "model.gatecast", "report.html"

FORMS: dict[str, type[schemas.Form]] = {
    "forecast": schemas.Forecast,
    "train": schemas.Train,
    "model-forecast": schemas.ModelForecast,
    "backtest": schemas.Backtest,
    "explain": schemas.Explain,
    "report": schemas.Report,
    "inspect": schemas.Inspect,
    "gates": schemas.Gates,
}
"""What a worker does, and the form of its request."""


def main(folder: Path) -> None:
    """Do the job of a folder."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    threading.Thread(target=_end_with_server, daemon=True).start()
    known = {field.name for field in fields(Settings)}
    given = {name: value for name, value in job["settings"].items() if name in known}
    settings = Settings(store=folder, **given)
    _limit_memory(settings.max_memory)
    try:
        result = _do(job, folder, settings)
    except Exception as error:
        problem = problem_of(error)
        facts = {name: str(getattr(problem.error, name)) for name in FACTS} | {"members": problem.members}
        if problem.status >= 500:
            import traceback

            # For the log of the server, which has the process that made this one.
            facts["traceback"] = traceback.format_exc()
        write_json(folder / "error.json", {"status": problem.status, "kind": problem.kind, **facts})
        return
    write_json(folder / "result.json", result)


def _do(job: dict[str, Any], folder: Path, settings: Settings) -> dict[str, Any]:
    """Return the result of a job."""
    from gatecast.forecaster import Forecaster

    body = Body(job["kind"], (folder / "body").read_bytes(), job["fields"])
    op: str = job["op"]
    form: Any = parse(body, FORMS[op])
    with source_of(body, form, settings) as source:
        if op == "train":
            return compute.train(form, source, settings, folder / MODEL, _report_progress)
        if op == "forecast":
            return compute.forecast(form, source, settings)
        if op == "inspect":
            return inspect(form, source, settings)
        forecaster = Forecaster.load(job["model"])
        if op == "model-forecast":
            return compute.forecast_with(forecaster, form, source, settings)
        if op == "backtest":
            return compute.backtest(forecaster, form, source)
        if op == "explain":
            return compute.explain(forecaster, form, source, settings)
        if op == "gates":
            return gates(forecaster, form, source, settings)
        return compute.report(forecaster, form, source, settings, folder / PAGE)


def _report_progress(progress: Progress) -> None:
    """Write a line for the server."""
    loss = finite_or_none(progress.loss)
    line = json.dumps({"stage": progress.stage, "fraction": round(progress.fraction, 4), "loss": loss})
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _end_with_server() -> None:
    """Wait for the end of standard input, then end at once: what is half done is done again by the next server."""
    while sys.stdin.buffer.read(1024):
        pass
    os._exit(3)


def _limit_memory(limit: int) -> None:
    """Let the system refuse memory beyond a limit, where it can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
