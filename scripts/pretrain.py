"""Pretrain a network on made series alone; go on where the last call stopped.

usage: pretrain.py --network lf|hf --state|--checkpoint DIR [--hours H] [--threads N] [--data DIR]
                    [--from-released] [--finish] [--release [--mean-of STATE ...]] [--gates]

--hours    stop after so many hours (default: when asked to, by SIGTERM or Ctrl+C)
--state    folder of the state, of the log and of what is released
--data     folder of public series for the held-out table (their training parts alone are read)
--from-released  begin a new run with the released weights, on series of a seed that they have not seen; inputs and
           simple forecasts that the released network has not, and more units, begin without a part
--finish   let the learning rate fall to 0, from the state on, and write the released file
--release  write the released file from the state as it is, without a step
--mean-of  of the averages of several states, copied as a run went on, or runs from the same released weights:
           --release writes their mean
--gates    print what has to hold after an hour, and exit with 1 if it does not
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from pretraining.bank import Bank
from pretraining.gates import made_gates, tail_gate
from pretraining.networks import RECIPES, Recipe
from pretraining.run import Limits, Log, Outputs, StopRequest, train
from pretraining.state import PEAK, RunState
from pretraining.tables import Errors, Forecast, errors, tail_table
from pretraining.tails import Tail

from gatecast.forecasting.pretrained.network import PretrainedConfig
from gatecast.forecasting.pretrained.released import WEIGHTS
from gatecast.kernels import runtime

FINISH_SHARE = 0.35
"""Share of all steps in which the learning rate falls."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=list(RECIPES), default="lf")
    parser.add_argument("--state", "--checkpoint", type=Path, required=True)
    parser.add_argument("--hours", type=float, default=float("inf"))
    parser.add_argument("--steps", type=float, default=float("inf"), help="stop at this step")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--seed", type=int, help="of a new run; default: 0, or the next after that of released weights")
    parser.add_argument("--units", type=int, help="of a new run; default: 128, or those of released weights")
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--no-layer-norm", action="store_true")
    parser.add_argument("--from-released", action="store_true", help="of a new run")
    parser.add_argument("--peak", type=float, default=PEAK, help="learning rate of a new run, after the warm-up")
    parser.add_argument("--batch", type=int, help="of a new run")
    parser.add_argument("--piece", type=int, help="series that are made at a time")
    parser.add_argument("--finish", action="store_true")
    parser.add_argument("--finish-steps", type=int, default=0, help="default: 35 %% of all steps")
    parser.add_argument("--release", action="store_true")
    parser.add_argument("--mean-of", type=Path, nargs="+", help="states")
    parser.add_argument("--gates", action="store_true")
    return parser.parse_args()


def load(options: argparse.Namespace, recipe: Recipe) -> tuple[RunState, Path]:
    """Return the state to go on from, and where it is saved."""
    main_path = options.state / f"{options.network}.state"
    finish_path = options.state / f"{options.network}.finish.state"
    path = finish_path if options.finish else main_path
    newest = next((p for p in (path, main_path) if p.is_file()), None)
    needs_state = options.finish or options.gates or (options.release and not options.mean_of)
    if newest is None and needs_state:
        raise SystemExit(f"no state in {options.state}: --finish, --release and --gates take one that a run has left")
    if newest is None:
        batch, piece = options.batch or recipe.sizes.batch, options.piece or recipe.sizes.piece
        if options.from_released:
            path_of_weights = WEIGHTS[options.network]
            run = RunState.from_released(path_of_weights, recipe.kind, options.seed, batch, piece, options.units)
        else:
            config = PretrainedConfig(options.units or 128, options.layers, not options.no_layer_norm, recipe.kind)
            run = RunState.new(config, options.seed or 0, batch, piece)
        run.peak = options.peak
    else:
        run = RunState.load(newest)
    if options.finish and not run.finish_from:
        run.finish_from = run.step
        run.finish_steps = options.finish_steps or round(run.step * FINISH_SHARE / (1 - FINISH_SHARE))
    return run, path


def main() -> int:
    options = arguments()
    recipe = RECIPES[options.network]
    runtime.set_num_threads(options.threads)
    run, path = load(options, recipe)
    options.state.mkdir(parents=True, exist_ok=True)
    if options.release:
        run = RunState.mean_of(options.mean_of) if options.mean_of else run
        run.release(options.state / f"{options.network}.safetensors")
        return 0
    bank = Bank(recipe.make, recipe.draw, run.seed, replace(recipe.sizes, batch=run.batch, piece=run.piece))
    tails = recipe.tails(options.data)
    reference = {tail.name: errors(tail, recipe.reference[1](tail)) for tail in tails}
    names = recipe.names
    table = partial(held_out_table, run, recipe, tails, reference)
    if options.gates:
        passed, lines = made_gates(run, bank, names)
        of_tails = tail_gates(run, recipe, tails, reference)
        print(*lines, *table(), *(line for _, line in of_tails), sep="\n")
        return 0 if passed and all(holds for holds, _ in of_tails) else 1
    log = Log(options.state / f"{options.network}.log")
    sizes = f"{run.config.units} units, {run.config.n_layers} layers, {run.weights.vector.size} parameters"
    log.write(f"{options.network} from step {run.step}: {sizes}, batches of {run.batch}, {options.threads} threads")
    last = run.finish_from + run.finish_steps if options.finish else options.steps
    request = StopRequest()
    limits, outputs = Limits(options.hours, last), Outputs(path, log, names, table)
    done = train(run, bank, outputs, limits, lambda: request.received)
    if options.finish and done:
        run.release(options.state / f"{options.network}.safetensors")
    return 0


def averaged_forecast(run: RunState, recipe: Recipe) -> Forecast:
    """Return the forecast of the averaged weights."""
    return partial(recipe.predict, run.network, run.averaged())


def held_out_table(run: RunState, recipe: Recipe, tails: list[Tail], reference: dict[str, Errors]) -> list[str]:
    """Return the held-out table of the averaged weights."""
    return tail_table(averaged_forecast(run, recipe), tails, reference, recipe.reference[0])


def tail_gates(
    run: RunState, recipe: Recipe, tails: list[Tail], reference: dict[str, Errors]
) -> list[tuple[bool, str]]:
    """Return whether the gate on tails holds, if its set is there, and what was measured."""
    name, largest = recipe.gate
    forecast = averaged_forecast(run, recipe)
    return [tail_gate(forecast, tail, reference[name], largest) for tail in tails if tail.name == name]


if __name__ == "__main__":
    sys.exit(main())
