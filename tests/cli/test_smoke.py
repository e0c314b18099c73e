"""Every command once as a user starts it: in a process of its own."""

import os
import signal
import subprocess
import sys
import time

import pytest
from typer.main import get_command

from gatecast import __version__
from gatecast.cli.app import make_app

linux = pytest.mark.skipif(sys.platform != "linux", reason="files of Linux")

COMMANDS = {
    "inspect": ("inspect shops.csv --out series.csv", "written: series.csv"),
    "forecast": ("forecast sales.csv -n 3 --out out.csv QUICK", "written: out.csv"),
    "train": ("train sales.csv -n 3 --out new.gatecast QUICK", "written: new.gatecast"),
    "predict": ("predict sales.gatecast", "LSTM-lo-80"),
    "simulate": ("simulate sales.gatecast --n-paths 2", "path"),
    "evaluate": ("evaluate old.gatecast shops.csv", "MASE"),
    "update": ("update old.gatecast shops.csv", "12 new values"),
    "backtest": ("backtest sales.csv -n 3 --n-windows 1 QUICK", "smape"),
    "anomalies": ("anomalies sales.csv -n 3 --model dot", "outside"),
    "compare": ("compare sales.csv -n 3 --n-windows 1 --models rnn --max-steps 2 --n-members 1", "rnn"),
    "tune": ("tune sales.csv -n 3 --n-trials 1 --n-windows 1 --max-steps 2 --n-members 1", "trials: 1"),
    "explain": ("explain sales.gatecast", "half-life"),
    "report": ("report sales.gatecast", "written: report.html"),
    "export": ("export sales.gatecast", "written: model.onnx"),
    "memory-benchmark": ("memory-benchmark --cells none", "none"),
    "synth": ("synth --count 3 --length 5", "season_length"),
    "serve": ("serve --port 99999", "port"),
    "mcp": ("mcp --folder absent", "folder does not exist"),
    "doctor": ("doctor", __version__),
}


def run(*args, **options):
    """Run the program."""
    command = [sys.executable, "-m", "gatecast", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_command_runs_in_a_process(name, workdir, quick):
    if name == "tune":
        pytest.importorskip("optuna")
    words, text = COMMANDS[name]
    done = run(*(part for word in words.split() for part in (quick if word == "QUICK" else [word])))
    # The tasks of the memory benchmark take minutes, and a server runs until it is stopped: a refusal shows they run.
    code, output = (2, done.stderr) if name in ("memory-benchmark", "serve", "mcp") else (0, done.stdout)
    assert done.returncode == code, done.stderr
    assert text in output
    assert "Traceback" not in done.stderr


def test_every_command_is_run():
    assert set(COMMANDS) == set(get_command(make_app()).commands)


def test_version_prints_the_version_alone():
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"gatecast {__version__}\n", "")


HEAVY = {
    *("numpy", "duckdb", "narwhals", "pandas", "polars", "pyarrow", "pydantic", "typer", "rich"),
    *("matplotlib", "plotly", "optuna", "scipy", "holidays", "h5py", "safetensors", "statsforecast"),
}


@pytest.mark.parametrize(
    ("program", "heavy"),
    [
        ("import gatecast", HEAVY),
        ("import gatecast; gatecast.Forecaster(h=2)", HEAVY - {"numpy"}),
        ("import gatecast; gatecast.load", HEAVY - {"numpy"}),
        ("import gatecast.cli.main", {"typer", "rich", "numpy", "duckdb", "matplotlib"}),
        (
            "from gatecast.cli.app import make_app; make_app()",
            {"numpy", "duckdb", "matplotlib", "plotly", "gatecast.forecaster"},
        ),
    ],
)
def test_import_loads_nothing_heavy(program, heavy):
    code = f"import sys; {program}; print(*set({sorted(heavy)}) & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


OTHER_COMMANDS = {
    "pydantic",
    "importlib.metadata",
    "gatecast.explain.gates",
    "gatecast.nn.sequential",
    "gatecast.stream",
}
OTHER_MODELS = {"gatecast.forecasting.segrnn.model", "gatecast.forecasting.es_rnn.model", "gatecast.nn.layers.table"}
PACKAGES = {"duckdb", "narwhals", "pandas", "polars", "pyarrow", "matplotlib", "plotly", "optuna", "scipy", "holidays"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "others"),
    [
        ("", set()),
        ("--model pretrained", {"gatecast.forecasting.panel_rnn.model", "gatecast.forecasting.theta"}),
        ("--model naive", {"gatecast.forecasting.pretrained.model", "gatecast.forecasting.theta"}),
    ],
)
def test_forecast_of_a_csv_loads_only_what_it_uses(options, others, workdir):
    words = ["forecast", "sales.csv", "-n", "3", *options.split(), *([] if options else ["--max-steps", "2"])]
    code = f"import sys; from gatecast.cli.main import main; main({words}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split("\n")[-2].split())
    reports = {name for name in loaded if name.startswith(("gatecast.selection", "gatecast.reporting.sections"))}
    assert not loaded & (PACKAGES | OTHER_COMMANDS | OTHER_MODELS | others)
    assert not reports
    assert {"gatecast.forecaster", "rich.console"} <= loaded


@pytest.mark.parametrize(("arguments", "threads", "is_raised"), [("", "1", True), (["--version"], "None", False)])
def test_only_a_process_of_its_own_is_prepared(arguments, threads, is_raised):
    code = (
        "import gc, os, sys; from gatecast.cli.main import main; before = gc.get_threshold()[0]; "
        f"sys.argv = ['gatecast', '--version']; main({arguments}); "
        "print(os.environ.get('OPENBLAS_NUM_THREADS'), gc.get_threshold()[0] - before)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    n_threads, difference = done.stdout.split("\n")[1].split()
    assert n_threads == threads
    assert (int(difference) > 0) == is_raised


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="threads of Linux")
@pytest.mark.parametrize(("given", "expected"), [(None, "1"), ("2", "2")])
def test_the_matrix_products_of_a_command_have_one_thread_unless_the_user_says_otherwise(workdir, given, expected):
    """What the variable does in the process: NumPy starts a thread for each further one when it is imported."""
    before = "import os, sys; from gatecast.cli.main import main; loaded = 'numpy' in sys.modules; "
    forecast = "sys.argv = 'gatecast forecast sales.csv -n 3 --model naive --json'.split(); main(); "
    after = "print(os.environ['OPENBLAS_NUM_THREADS'], loaded, file=sys.stderr)"
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    if given is not None:
        environment["OPENBLAS_NUM_THREADS"] = given
    command = [sys.executable, "-c", before + forecast + after]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stderr.split("\n")[-2].split() == [expected, "False"]


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_help_loads_no_model(name):
    code = (
        f"import sys; from gatecast.cli.main import main; main(['{name}', '-h']); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, name, "-h"], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert not loaded & {"numpy", "duckdb", "gatecast.forecaster", "gatecast.forecasting.base"}
    assert "gatecast.cli.app" in loaded


@pytest.mark.slow
def test_characters_that_the_terminal_lacks_become_question_marks(workdir, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = run("forecast", "sales.csv", "--freq", "月")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="pipes close otherwise there")
def test_reader_that_leaves_early_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "gatecast", "doctor"]
    with open(writer, "w") as pipe:
        done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@linux
@pytest.mark.parametrize("args", [["--version"], ["forecast", "no.csv", "--json"], ["doctor"]])
def test_full_output_is_one_message(args):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "gatecast", *args]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    if "forecast" not in args:
        assert done.stderr == "error: cannot write the output: No space left on device.\n"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals differ there")
@pytest.mark.parametrize("after", [0.0, 0.3])
def test_interruption_while_running_is_one_message(tmp_path, after):
    # A pipe that nobody writes to keeps the program in its first step.
    code = "import sys, gatecast.cli.main as cli; print('ready', flush=True); sys.exit(cli.main())"
    os.mkfifo(tmp_path / "a.csv")
    command = [sys.executable, "-c", code, "forecast", str(tmp_path / "a.csv")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.02 + after)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.strip() == "error: interrupted"


@pytest.mark.slow
def test_show_completion_prints_a_script(monkeypatch):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    done = run("--show-completion", "bash")
    assert (done.returncode, done.stderr) == (0, "")
    assert "_GATECAST_COMPLETE=complete_bash" in done.stdout
