"""The recipes in examples/ run as they are, and what they print is the truth."""

import contextlib
import io
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
slow = pytest.mark.slow


def run_for_code(script, *arguments):
    """Run a recipe in this process, and return its exit code and what it prints."""
    printed, code = io.StringIO(), 0
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        patch.chdir(EXAMPLES)
        patch.setattr(sys, "argv", [script, *map(str, arguments)])
        try:
            runpy.run_path(str(EXAMPLES / script), run_name="__main__")
        except SystemExit as end:
            code = end.code
    return code, printed.getvalue()


def run(script, *arguments):
    """Run a recipe, and return what it prints."""
    code, printed = run_for_code(script, *arguments)
    assert not code, printed
    return printed


def numbers(pattern, text):
    """Return the numbers that a pattern captures."""
    match = re.search(pattern, text)
    assert match, text
    return [float(part) for part in match.groups()]


# A cron job with a DuckDB file.


@slow
def test_cron_recipe_keeps_forecasts_and_scores_them_when_their_days_have_come(tmp_path):
    import duckdb

    shop = tmp_path / "shop.duckdb"
    run("cron_duckdb/make_shop.py", shop)
    assert "past forecasts" not in run("cron_duckdb/forecast_shop.py", shop)
    run("cron_duckdb/make_shop.py", shop, "2025-04-07")
    printed = run("cron_duckdb/forecast_shop.py", shop)
    n, error, naive = numbers(r"(\d+) past forecasts: mean absolute error (\S+), naive (\S+)", printed)
    (coverage,) = numbers(r"(\d+) % of the values were in the 80 % interval", printed)
    with duckdb.connect(str(shop), read_only=True) as connection:
        query = "SELECT sales, forecast, low, high, naive FROM forecasts JOIN sales USING (shop, day)"
        actual, forecast, low, high, copied = np.array(connection.execute(query).fetchall()).T
        kept = connection.execute("SELECT made_after, count(*) FROM forecasts GROUP BY 1 ORDER BY 1").fetchall()
    assert n == len(actual) == 21
    assert error == pytest.approx(np.abs(actual - forecast).mean(), abs=0.006)
    assert naive == pytest.approx(np.abs(actual - copied).mean(), abs=0.006)
    assert coverage == pytest.approx(100 * np.mean((low <= actual) & (actual <= high)), abs=0.6)
    assert [count for _, count in kept] == [21, 21]
    # Twice in a night changes nothing.
    assert run("cron_duckdb/forecast_shop.py", shop) == printed


def test_crontab_of_the_recipe_starts_its_script():
    lines = (EXAMPLES / "cron_duckdb" / "crontab").read_text(encoding="utf-8").splitlines()
    (job,) = [line for line in lines if re.match(r"[\d*]", line)]
    assert len(job.split()[:5]) == 5
    (script,) = re.findall(r"(\S+\.py)", job)
    assert (EXAMPLES / "cron_duckdb" / script).is_file()


# A nightly update.


def write_sales(path, values):
    """Write daily sales."""
    days = np.datetime64("2024-01-01") + np.arange(len(values))
    lines = [f"{day},{value:.1f}" for day, value in zip(days, values, strict=True)]
    path.write_text("\n".join(["day,sales", *lines]) + "\n", encoding="utf-8")


@slow
def test_nightly_update_learns_and_raises_the_alarm_when_skill_falls(tmp_path):
    rng, t = np.random.default_rng(0), np.arange(364)
    usual = 100 * np.array([1, 1, 1, 1, 1.3, 1.4, 0.6])[t % 7] * np.exp(rng.normal(0, 0.08, len(t)))
    drifting = usual.copy()
    drifting[329:] = 400 + rng.normal(0, 25, len(t) - 329).cumsum()
    sales, state = tmp_path / "sales.csv", tmp_path / "state"
    write_sales(sales, usual[:308])
    assert "trained: " in run("nightly_update.py", state, sales)
    write_sales(sales, usual[:311])
    assert "3 new days: the next score is due after 7" in run("nightly_update.py", state, sales)
    for end in (315, 322, 329):
        write_sales(sales, usual[:end])
        printed = run("nightly_update.py", state, sales)
        assert "ALARM" not in printed
    error, naive = numbers(r"newest 3 scores: (\S+), naive (\S+)", printed)
    assert error < naive
    assert "% of the values were in the 80 % interval" in printed
    codes = []
    for end in (336, 343, 350):
        write_sales(sales, drifting[:end])
        code, printed = run_for_code("nightly_update.py", state, sales)
        assert ("ALARM: " in printed) == (code == 3)
        codes.append(code)
    assert codes[-1] == 3
    records = [json.loads(line) for line in (state / "scores.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(records) == 6
    assert set(records[0]) == {"mae", "naive", "coverage"}


# A consumer of a topic.


@slow
def test_consumer_finds_the_anomaly_and_its_intervals_hold_what_they_say(tmp_path):
    printed = run("kafka_stream.py", tmp_path / "state")
    assert re.findall(r"anomaly: (\w+) at hour 246", printed) == ["boiler", "pump"]
    error, naive = numbers(r"mean absolute error (\S+), naive (\S+)", printed)
    assert error < naive
    (coverage,) = numbers(r"(\d+) % of the values were in the 90 % interval", printed)
    assert 80 <= coverage <= 99
    # Everything was committed: nothing comes again.
    assert run("kafka_stream.py", tmp_path / "state") == "from offset 592\n"


@slow
def test_consumer_that_crashes_goes_on_with_the_same_bits(tmp_path, monkeypatch):
    import importlib.util

    spec = importlib.util.spec_from_file_location("kafka_stream", EXAMPLES / "kafka_stream.py")
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)

    def forecasts(folder, n, crash_after=None):
        """Run the consumer, and return what its streams forecast in the end."""
        folder.mkdir(exist_ok=True)
        consumer = recipe.Consumer(folder)
        topic = recipe.Topic(n, begin=consumer.state["offset"])
        while (message := topic.poll()) is not None:
            consumer.take(message)
            if topic.offset == crash_after:
                return None
            if topic.offset % 100 == 0:
                consumer.commit(topic.offset)
        return {name: stream.predict()["Pretrained"] for name, stream in consumer.streams.items()}

    undisturbed = forecasts(tmp_path / "one", 60)
    assert forecasts(tmp_path / "two", 60, crash_after=277) is None
    resumed = forecasts(tmp_path / "two", 60)
    assert {name: x.tobytes() for name, x in resumed.items()} == {name: x.tobytes() for name, x in undisturbed.items()}


# Prometheus and Grafana.


def metrics_of_a_server(tmp_path):
    """Return what /metrics of a server that was used once says."""
    import asyncio

    pytest.importorskip("fastapi")
    httpx = pytest.importorskip("httpx")
    from gatecast.server.app import make_app
    from gatecast.server.settings import Settings

    async def scrape():
        app = make_app(Settings(store=tmp_path / "store"))
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://server") as client,
        ):
            await client.post("/v1/forecast", json={"series": {"y": list(range(24))}, "h": 2})
            return (await client.get("/metrics")).text

    return asyncio.run(scrape())


def expressions():
    """Return the queries of the dashboard and of the alerts."""
    dashboard = json.loads((EXAMPLES / "monitoring" / "dashboard.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    alerts = (EXAMPLES / "monitoring" / "alerts.yml").read_text(encoding="utf-8")
    return queries + re.findall(r"^ +expr: (.+)$", alerts, re.MULTILINE)


@slow
def test_monitoring_asks_for_metrics_and_labels_that_exist(tmp_path):
    from gatecast.server.metrics import HELP

    text = metrics_of_a_server(tmp_path)
    known = dict(HELP)
    for name, (kind, _) in HELP.items():
        if kind == "histogram":
            known |= {f"{name}_{part}": (kind, "") for part in ("bucket", "sum", "count")}
    asked = expressions()
    assert len(asked) > 10
    for query in asked:
        names = re.findall(r"gatecast_\w+", query)
        assert names, query
        assert set(names) <= set(known), query
        assert query.count("(") == query.count(")")
        for name, labels in re.findall(r"(gatecast_[a-z_]+)\{(.*?)\}", query):
            for label, value in re.findall(r'(\w+)=~?"(.*?)"', labels):
                # The endpoint is one that was used; of errors there are none yet.
                shown = re.escape(value) if label == "endpoint" else '[^"]*'
                assert re.search(rf'^{name}\{{.*{label}="{shown}"', text, re.MULTILINE), query
    # Labels that are summed by exist, where the server had something to count.
    for labels, name in re.findall(r"sum by \((\w+)\) \(rate\((gatecast_requests_total)\[", " ".join(asked)):
        assert re.search(rf'^{name}\{{.*{labels}="', text, re.MULTILINE)
    used = {name for name in HELP for query in asked if re.search(rf"\b{name}(_bucket|_sum|_count)?\b", query)}
    assert used == set(HELP)


def test_prometheus_scrapes_the_path_that_the_server_has():
    text = (EXAMPLES / "monitoring" / "prometheus.yml").read_text(encoding="utf-8")
    assert "metrics_path: /metrics" in text
    (rules,) = re.findall(r"rule_files: \[(.+)\]", text)
    assert (EXAMPLES / "monitoring" / rules).is_file()
    assert '"127.0.0.1:8000"' in text


# Notebooks.


@slow
def test_notebook_of_stores_needs_the_calendar_for_intervals_that_hold():
    pytest.importorskip("holidays")
    printed = run("stores.py")
    rows = {
        name: numbers(rf"(?m)^{name} +([\d.]+) +(\d+)% +(\d+)%$", printed)
        for name in ("neither", "promotions", "promotions and holidays")
    }
    (naive,) = numbers(r"seasonal naive +([\d.]+)", printed)
    errors = [row[0] for row in rows.values()]
    assert naive > errors[0] > errors[1] > errors[2]
    # What the text says of coverage: it holds with the calendar, and not without.
    assert 75 <= rows["promotions and holidays"][1] <= 88
    assert rows["promotions"][1] < 75


@slow
def test_notebook_of_load_uses_the_temperature():
    printed = run("load.py")
    pattern, names = r" +([\d.]+) MW +(\d+)% +(\d+)%", ("load alone", "load and temperature")
    rows = {name: numbers(name + pattern, printed) for name in names}
    (yesterday,) = numbers(r"as yesterday +([\d.]+) MW", printed)
    assert rows["load and temperature"][0] < rows["load alone"][0] < yesterday
    assert 65 <= rows["load and temperature"][1] <= 95


def test_notebooks_are_made_from_their_scripts():
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "make_notebooks.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    for name in ("stores", "load"):
        notebook = json.loads((EXAMPLES / f"{name}.ipynb").read_text(encoding="utf-8"))
        code = "\n\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
        compile(code, f"{name}.ipynb", "exec")
        assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
        assert all(cell["id"] for cell in notebook["cells"])
        assert not any(cell.get("outputs") for cell in notebook["cells"])


def test_page_of_the_examples_names_every_file():
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in set(EXAMPLES.iterdir()) - {EXAMPLES / "README.md", EXAMPLES / "__pycache__"}:
        assert f"`{path.name}{'/' if path.is_dir() else ''}`" in page, path.name
