"""How functions become commands: shared options, `-h` for help and for a horizon."""

import inspect

import pytest

from gatecast.cli.command import expand_horizon, with_forecaster_options
from gatecast.cli.options import ForecasterOptions, Json, declarations


@pytest.mark.parametrize(
    ("args", "expanded"),
    [
        (["a.csv", "-h", "12"], ["a.csv", "--horizon=12"]),
        (["-h12", "a.csv"], ["--horizon=12", "a.csv"]),
        (["-h", "-3"], ["--horizon=-3"]),
        (["-h", "1.5"], ["--horizon=1.5"]),
        (["a.csv", "--h", "12"], ["a.csv", "--horizon", "12"]),
        (["--h=12", "a.csv"], ["--horizon=12", "a.csv"]),
        (["--h=-3"], ["--horizon=-3"]),
        (["--h=ten", "--help"], ["--horizon=ten", "--help"]),
        (["--h"], ["--horizon"]),
        (["-h"], ["-h"]),
        (["-h", "ten"], ["-h", "ten"]),
        (["-h", "--json"], ["-h", "--json"]),
        (["--horizon", "3"], ["--horizon", "3"]),
    ],
)
def test_expand_horizon_takes_only_numbers(args, expanded):
    assert expand_horizon(args) == expanded


def test_with_forecaster_options_replaces_the_record_by_its_fields():
    received = []

    def command(file: str, options: ForecasterOptions, json: Json = False) -> None:
        received.append((file, options, json))

    run = with_forecaster_options(command, without=("model",))
    parameters = inspect.signature(run).parameters
    shared = [name for name in declarations() if name != "model"]
    assert list(parameters) == ["file", *shared, "json", "checkpoint", "no_checkpoint"]
    assert parameters["seed"].default == "0"
    values = {name: None for name in parameters if name not in ("file", "json")}
    run(file="a.csv", json=True, **{**values, "horizon": "3"})
    assert received[0][0] == "a.csv"
    assert (received[0][1].horizon, received[0][1].model) == ("3", "auto")
