"""Pretrain a network on made series alone; go on where the last call stopped.

usage: pretrain.py --network lf --state DIR [--hours H] [--threads N] [--data DIR] [--finish] [--gates]

--hours    stop after so many hours (default: when asked to, by SIGTERM or Ctrl+C)
--state    folder of the state, of the log and of what is released
--data     folder of public series for the held-out table (their training parts alone are read)
--finish   let the learning rate fall to 0, from the state on, and write the released file
--gates    print what has to hold after an hour, and exit with 1 if it does not
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from pretraining.bank import Bank, BankSizes
from pretraining.gates import gate_lines
from pretraining.run import Limits, Log, Outputs, StopRequest, train
from pretraining.state import RunState
from pretraining.tables import Errors, Tail, load_tails, measure_dot, tail_table

from gatecast.data.synth import FAMILIES, SynthBatch, draw
from gatecast.data.synth.augment import augment
from gatecast.forecasting.pretrained.head import BLOCK
from gatecast.forecasting.pretrained.network import PretrainedConfig
from gatecast.kernels import native

SHARES = {
    "exponential smoothing": 0.20,
    "local and global trend": 0.25,
    "arma": 0.10,
    "components": 0.13,
    "gaussian processes": 0.07,
    "diffusions": 0.05,
    "counts": 0.08,
    "events": 0.07,
    "cycles": 0.03,
    "cointegrated": 0.02,
}
"""Shares of the groups and families: trends that break teach most of what carries over to yearly series."""

FINISH_SHARE = 0.35
"""Share of all steps in which the learning rate falls."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=["lf"], default="lf")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--hours", type=float, default=float("inf"))
    parser.add_argument("--steps", type=float, default=float("inf"), help="stop at this step")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--no-layer-norm", action="store_true")
    parser.add_argument("--batch", type=int, default=256, help="of a new run")
    parser.add_argument("--piece", type=int, default=4096, help="series that are made at a time")
    parser.add_argument("--finish", action="store_true")
    parser.add_argument("--finish-steps", type=int, default=0, help="default: 35 %% of all steps")
    parser.add_argument("--gates", action="store_true")
    return parser.parse_args()


def load(options: argparse.Namespace) -> tuple[RunState, Path]:
    """Return the state to go on from, and where it is saved."""
    main_path = options.state / f"{options.network}.state"
    finish_path = options.state / f"{options.network}.finish.state"
    path = finish_path if options.finish else main_path
    newest = next((p for p in (path, main_path) if p.is_file()), None)
    if newest is None:
        config = PretrainedConfig(options.units, options.layers, not options.no_layer_norm)
        run = RunState.new(config, options.seed, options.batch, options.piece)
    else:
        run = RunState.load(newest)
    if options.finish and not run.finish_from:
        run.finish_from = run.step
        run.finish_steps = options.finish_steps or round(run.step * FINISH_SHARE / (1 - FINISH_SHARE))
    return run, path


def made(kind: str, count: int, length: int, seed: int) -> SynthBatch:
    """Make series in a form that is not seen again."""
    return augment(kind, draw(kind, count, length, seed, shares=SHARES), seed + 1, horizon=BLOCK)


def main() -> int:
    options = arguments()
    options.state.mkdir(parents=True, exist_ok=True)
    native.set_num_threads(options.threads)
    run, path = load(options)
    bank = Bank(partial(made, options.network), run.seed, BankSizes(batch=run.batch, piece=run.piece))
    tails = load_tails(options.data)
    reference = {tail.name: measure_dot(tail) for tail in tails}
    names = tuple(FAMILIES[options.network])
    if options.gates:
        passed, lines = gate_lines(run, bank, names, tails, reference)
        print(*lines, sep="\n")
        return 0 if passed else 1
    log = Log(options.state / f"{options.network}.log")
    log.write(f"from step {run.step}: {run.config}, {run.weights.vector.size} parameters, {options.threads} threads")
    table = partial(held_out_table, run, tails, reference)
    last = run.finish_from + run.finish_steps if options.finish else options.steps
    request = StopRequest()
    limits, outputs = Limits(options.hours, last), Outputs(path, log, names, table)
    done = train(run, bank, outputs, limits, lambda: request.received)
    if options.finish and done:
        run.release(options.state / f"{options.network}.safetensors")
    return 0


def held_out_table(run: RunState, tails: list[Tail], reference: dict[str, Errors]) -> list[str]:
    """Return the held-out table of the averaged weights."""
    return tail_table(run.network, run.averaged(), tails, reference)


if __name__ == "__main__":
    sys.exit(main())
