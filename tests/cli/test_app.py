"""Help, usage errors and shell completion of the program and of each command."""

import pytest
from typer.main import get_command

from gatecast.cli.app import make_app
from gatecast.cli.main import main
from gatecast.cli.models import available_cells, available_models, complete_models

COMMANDS = tuple(get_command(make_app()).commands)


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch):
    """Help is at most 80 columns wide, however wide the terminal is."""
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.parametrize("args", [[], ["--help"], ["-h"]])
def test_program_alone_shows_commands_and_examples(args, capsys):
    assert main(args) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Usage: gatecast")
    assert "Examples:\n    gatecast forecast sales.csv\n" in out
    assert all(f"\n  {name} " in out for name in COMMANDS)
    assert "..." not in out.partition("Commands:")[2]
    assert max(map(len, out.splitlines())) <= 80
    assert err == ""


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_names_it_says_what_comes_out_and_has_one_example(name, flag, capsys):
    assert main([name, flag]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Usage: gatecast {name} ")
    assert max(map(len, out.splitlines())) <= 80
    assert any(verb in out for verb in ("Prints ", "The page shows "))
    assert out.count("Example:") == 1
    example = out.partition("Example:\n")[2].splitlines()[0]
    assert example.startswith(f"    gatecast {name} ")
    assert "{" not in out.partition("\n\n")[2]
    assert err == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_example_of_a_command_has_options_that_exist(name, capsys):
    main([name, "--help"])
    words = capsys.readouterr().out.partition("Example:\n")[2].split()
    flags = {flag for parameter in get_command(make_app()).commands[name].params for flag in parameter.opts}
    assert {word for word in words[2:] if word.startswith("-")} <= flags


@pytest.mark.parametrize(
    ("name", "default"),
    [("predict", "as many as in the training"), ("simulate", "as many"), ("forecast", "two seasons")],
)
def test_help_says_how_many_steps_are_forecast_by_default(name, default, capsys):
    main([name, "--help"])
    assert f"Default: {default}" in " ".join(capsys.readouterr().out.split())


def test_help_lists_the_models_and_cells_of_the_registry(capsys):
    for args, names in ((["forecast", "-h"], available_models()), (["memory-benchmark", "-h"], available_cells())):
        main(args)
        text = "".join(capsys.readouterr().out.split())
        assert ",".join(names) in text


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["forecast"], "error: Missing argument 'FILE'. See gatecast forecast --help.\n"),
        (["train", "FILE"], "error: Missing option '--out'. See gatecast train --help.\n"),
        (["predict"], "error: Missing argument 'MODEL'. See gatecast predict --help.\n"),
        (["tune", "FILE", "--bogus"], "error: No such option: --bogus"),
        (["forcast"], "error: No such command 'forcast'. Did you mean 'forecast'? See gatecast --help.\n"),
        (["compare", "FILE", "--n-windows"], "error: Option '--n-windows' requires an argument. See gatecast compare"),
        (["doctor", "more"], "error: Got unexpected extra argument"),
        (["compare", "FILE", "--model", "lstm"], "error: No such option: --model"),
    ],
)
def test_usage_error_names_the_command(args, text, capsys):
    assert main(args) == 2
    out, err = capsys.readouterr()
    assert err.startswith(text)
    assert err.endswith(f"See gatecast{'' if args[0] == 'forcast' else ' ' + args[0]} --help.\n")
    assert err.count("\n") == 1
    assert out == ""


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("gatecast ", {"forecast", "memory-benchmark"}),
        ("gatecast up", {"update"}),
        ("gatecast forecast --season", {"--season-length"}),
        ("gatecast forecast sales.csv --model sl", {"slstm"}),
        ("gatecast compare sales.csv --models lstm,gr", {"lstm,gru"}),
    ],
)
def test_completion_offers_commands_options_and_models(typed, offered, capsys, monkeypatch):
    monkeypatch.setenv("_GATECAST_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split(" ")) - 1))
    assert main([]) == 0
    assert offered <= set(capsys.readouterr().out.split())


def test_complete_models_continues_a_list():
    assert complete_models("lstm,gr") == ["lstm,gru"]
    assert set(complete_models("")) == set(available_models())


def test_install_completion_writes_into_the_home_of_the_user(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert main(["--install-completion", "bash"]) == 0
    assert "bash completion installed" in capsys.readouterr().out
    scripts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert any("gatecast" in script for script in scripts)


@pytest.mark.parametrize("name", COMMANDS)
def test_make_app_of_one_command_declares_it_as_the_whole_program_does(name):
    whole, alone = (get_command(make_app(names)).commands for names in (COMMANDS, [name]))
    fields = ("name", "opts", "help", "required", "default", "metavar", "nargs", "multiple")
    described = [[[getattr(p, f, None) for f in fields] for p in c[name].params] for c in (whole, alone)]
    assert list(alone) == [name]
    assert described[0] == described[1]
    assert (whole[name].help, whole[name].epilog) == (alone[name].help, alone[name].epilog)
