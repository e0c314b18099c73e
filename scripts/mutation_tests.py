"""Change one operator, number or condition of a module at a time, and see whether its tests notice.

usage: mutation_tests.py [MODULE ...] [--config FILE] [--results FOLDER] [--again] [--fresh] [--list]

Cosmic Ray makes the mutants. No file is changed: each mutant is imported from memory, in a process that is forked after
the libraries were imported, and the tests of `tests/mutations.toml` run in it until the first one fails. Results are
written one by one, and a run that is started again goes on; `--again` repeats what survived without an explanation, for
example after tests were added, `--fresh` everything. A survivor that behaves as the original does has a line in the
configuration that says why. The exit code is 1 where a module stays below the share to be killed, or a survivor has no
such line.
"""

from __future__ import annotations

import argparse
import ast
import gc
import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import random
import re
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import tomllib

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
TITLES = """\
| module | mutants | killed | over time | survived | of these equivalent | share killed | of those not equivalent |
|---|---|---|---|---|---|---|---|"""
# A star in a signature, which Cosmic Ray takes for a product.
POSITIONAL = re.compile(r"[(,]\s*/\s*,")
NOT_IMPORTED = "not imported"
MEMORY = 8 * 2**30
# What the tests import from elsewhere: imported once, before the forks.
LIBRARIES = [
    "duckdb",
    "hypothesis",
    "narwhals",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "pytest",
    "rich",
    "safetensors",
]


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    file: str
    operator: str
    occurrence: int
    line: int
    before: str
    after: str
    """The line as it is, and as it becomes."""

    @property
    def key(self) -> str:
        """What tells it from the others, wherever the line stands now."""
        return f"{self.file}:{self.operator}:{self.occurrence}:{self.before}:{self.after}"


def not_run(tree: ast.Module) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield begins and ends of what is never run: annotations, and blocks for type checkers."""
    for node in ast.walk(tree):
        parts: list[Any] = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            parts = [node]
        for part in parts:
            if isinstance(part, ast.AST):
                yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)  # type: ignore[attr-defined]


def places_in(file: str, operators: list[str]) -> list[tuple[str, str, int, int]]:
    """Return file, operator, occurrence and line of every place of a file that can be changed and is run."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator

    source = (ROOT / file).read_text(encoding="utf-8")
    left_out = list(not_run(ast.parse(source)))
    nodes = list(ast_nodes(get_ast(source)))
    places = []
    for name in operators:
        operator = get_operator(f"core/{name}")()
        positions = (position for node in nodes for position in operator.mutation_positions(node))
        for occurrence, (begin, _) in enumerate(positions):
            if not any(first <= begin < last for first, last in left_out):
                places.append((file, name, occurrence, begin[0]))
    return places


def mutant_at(place: tuple[str, str, int, int]) -> Mutant | None:
    """Return the mutant of one place; None where the change is not Python, or changes nothing."""
    file, operator, occurrence, line = place
    source = (ROOT / file).read_text(encoding="utf-8")
    text = mutated(source, operator, occurrence)
    try:
        compile(text, file, "exec")
    except SyntaxError:
        return None
    old, new = source.splitlines(), text.splitlines()
    if operator.endswith("Mul_Div") and len(POSITIONAL.findall(text)) > len(POSITIONAL.findall(source)):
        return None
    changed = next((i for i, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), None)
    if changed is None:
        return None
    return Mutant(file, operator, occurrence, line, old[changed].strip(), new[changed].strip())


def mutated(source: str, operator: str, occurrence: int) -> str:
    """Return the source with one change."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    return str(mutate_code(source, get_operator(f"core/{operator}")(), occurrence))


class FromMemory(importlib.machinery.SourceFileLoader):
    """Loads a module from a text instead of its file."""

    text = ""
    used = False

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        """Compile the text."""
        self.used = True
        return compile(self.text, self.path, "exec", dont_inherit=True)


class Finder(importlib.abc.MetaPathFinder):
    """Finds the mutated module before its file is picked."""

    def __init__(self, file: str, text: str) -> None:
        relative = Path(file).relative_to("src").with_suffix("")
        self.is_package = relative.name == "__init__"
        self.name = ".".join(relative.parent.parts if self.is_package else relative.parts)
        self.loader = FromMemory(self.name, str(ROOT / file))
        self.loader.text = text

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> Any:  # noqa: ARG002
        """Return where the mutated module is; None for others."""
        if fullname != self.name:
            return None
        locations = [str(Path(self.loader.path).parent)] if self.is_package else None
        return importlib.util.spec_from_file_location(
            fullname, self.loader.path, loader=self.loader, submodule_search_locations=locations
        )


class FirstFailure:
    """Pytest plugin: notes the first test that fails, and lets hypothesis search but not shrink."""

    def __init__(self, finder: Finder | None) -> None:
        self.name = ""
        self.finder = finder

    def pytest_sessionstart(self) -> None:
        """Before tests are collected, and after conftest.py chose its settings."""
        from hypothesis import Phase, settings

        settings.register_profile("mutations", settings(), phases=[Phase.explicit, Phase.generate], database=None)
        settings.load_profile("mutations")
        # Pytest's own finder, which rewrites the assertions of files with doctests, has come before this one.
        if self.finder is not None:
            sys.meta_path.insert(0, self.finder)

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Leave the examples alone in files of the package: a function that is called test_table there is no test."""
        items[:] = [item for item in items if SOURCE not in item.path.parents or type(item).__name__ == "DoctestItem"]

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A test failed."""
        if report.failed and not self.name:
            self.name = report.nodeid

    def pytest_collectreport(self, report: Any) -> None:
        """A file of tests cannot be imported."""
        if report.failed and not self.name:
            self.name = report.nodeid


def run_tests(tests: list[str], mutant: Mutant | None, out: int) -> int:
    """Run the tests until one fails, with the mutant in the place of its module: in a process of its own."""
    import pytest

    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    finder = None
    if mutant is not None:
        text = mutated((ROOT / mutant.file).read_text(encoding="utf-8"), mutant.operator, mutant.occurrence)
        finder = Finder(mutant.file, text)
        sys.meta_path.insert(0, finder)
    first = FirstFailure(finder)
    # Hypothesis, imported before pytest, keeps its own assertions as they are.
    options = ["-x", "-p", "_hypothesis_pytestplugin", "-p", "no:cacheprovider", "-m", "not slow"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    code = int(pytest.main([*options, *tests], plugins=[first]))
    if finder is not None and code == 0 and not finder.loader.used:
        first.name = NOT_IMPORTED
    os.write(out, first.name.encode()[:4000])
    return code


def outcome(tests: list[str], mutant: Mutant | None, timeout: float) -> tuple[str, str, float]:
    """Return killed, survived or timeout; the first test that failed; and the seconds that it took."""
    begin = time.monotonic()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = run_tests(tests, mutant, writer)
        except BaseException as error:  # the mutant can raise anything, anywhere
            os.write(writer, repr(error).encode()[:1000])
        finally:
            os._exit(code)
    os.close(writer)
    ended = 0
    while not ended and time.monotonic() - begin < timeout:
        time.sleep(0.01)
        ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        failed = pipe.read().decode()
    seconds = time.monotonic() - begin
    if not ended:
        return "timeout", failed, seconds
    return ("survived" if status == 0 else "killed"), failed, seconds


def chosen(module: dict[str, Any], config: dict[str, Any], results: Path) -> list[Mutant]:
    """Return the mutants of a module in the order of its files, or a sample of them, the same in each run."""
    texts = [(ROOT / file).read_text(encoding="utf-8") for file in module["files"]]
    facts = [config["seed"], config["sample"], config["operators"], list(module["files"]), texts]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    # To make them again takes as long as a dozen tests.
    cache = results / f"{module['name']}.mutants.json"
    if not cache.exists() or json.loads(cache.read_text(encoding="utf-8"))["digest"] != digest:
        places = [place for file in module["files"] for place in places_in(file, config["operators"])]
        picked = [
            asdict(mutant) for mutant in sample_of(places, f"{config['seed']} {module['name']}", config["sample"])
        ]
        cache.write_text(json.dumps({"digest": digest, "n_places": len(places), "picked": picked}), encoding="utf-8")
    stored = json.loads(cache.read_text(encoding="utf-8"))
    module["n_places"] = stored["n_places"]
    mutants = [Mutant(**fields) for fields in stored["picked"]]
    return sorted(mutants, key=lambda m: (list(module["files"]).index(m.file), m.line))


def sample_of(places: list[tuple[str, str, int, int]], seed: str, size: int) -> list[Mutant]:
    """Return the mutants at places in random order, until there are enough that differ from each other."""
    picked: dict[tuple[str, int, str, str], Mutant] = {}
    for place in random.Random(seed).sample(places, len(places)):
        if len(picked) == size:
            break
        mutant = mutant_at(place)
        if mutant is not None:
            picked.setdefault((mutant.file, mutant.line, mutant.before, mutant.after), mutant)
    return list(picked.values())


def known_results(path: Path) -> dict[str, dict[str, Any]]:
    """Return the last result of each mutant."""
    if not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    return {row["key"]: row for row in rows}


def test_module(
    module: dict[str, Any], mutants: list[Mutant], config: dict[str, Any], results: Path, arguments: argparse.Namespace
) -> None:
    """Try every mutant that has no result yet, and write each result down."""
    path = results / f"{module['name']}.jsonl"
    if arguments.fresh:
        path.unlink(missing_ok=True)
    done = known_results(path)
    todo = [
        mutant
        for mutant in mutants
        if mutant.key not in done
        or (arguments.again and done[mutant.key]["outcome"] == "survived" and not is_explained(mutant, config))
    ]
    if not todo:
        return
    limits: dict[str, float] = {}
    print(f"{module['name']}: {len(todo)} mutants", flush=True)
    with path.open("a", encoding="utf-8") as out:
        for mutant in todo:
            tests = [*module["files"][mutant.file], mutant.file]
            if mutant.file not in limits:
                result, failed, seconds = outcome(tests, None, 600)
                if result != "survived":
                    raise SystemExit(f"{mutant.file}: the tests fail without a mutant: {failed or result}")
                limits[mutant.file] = 5 * seconds + 10
                print(f"  {mutant.file}: its tests take {seconds:.1f} s", flush=True)
            result, failed, seconds = outcome(tests, mutant, limits[mutant.file])
            if failed == NOT_IMPORTED:
                raise SystemExit(f"{module['name']}: no test imports {mutant.file}")
            row = {"key": mutant.key, **asdict(mutant), "outcome": result, "by": failed, "seconds": round(seconds, 2)}
            out.write(json.dumps(row) + "\n")
            out.flush()
            if result == "survived":
                print(f"  survived {mutant.file}:{mutant.line} {mutant.before}  ->  {mutant.after}", flush=True)


def is_explained(mutant: Mutant, config: dict[str, Any]) -> bool:
    """Whether the configuration says why this mutant behaves as the original."""
    lines = config.get("equivalent", {}).get(mutant.file, [])
    return any(mutant.before == before and mutant.after == after for _, before, after in lines)


def report(module: dict[str, Any], mutants: list[Mutant], results: Path, config: dict[str, Any]) -> bool:
    """Print the row of a module, and its survivors without an explanation; return whether all is well."""
    done = known_results(results / f"{module['name']}.jsonl")
    tried = [m for m in mutants if m.key in done]
    count = Counter(done[m.key]["outcome"] for m in tried)
    survivors = [m for m in tried if done[m.key]["outcome"] == "survived"]
    unexplained = [m for m in survivors if not is_explained(m, config)]
    n_equivalent = len(survivors) - len(unexplained)
    killed = count["killed"] + count["timeout"]
    share = killed / max(1, len(tried))
    others = killed / max(1, len(tried) - n_equivalent)
    print(
        f"| {module['name']} | {len(tried)} of {module['n_places']} | {count['killed']} | {count['timeout']} "
        f"| {len(survivors)} | {n_equivalent} | {100 * share:.1f} % | {100 * others:.1f} % |"
    )
    for mutant in tried:
        if done[mutant.key]["outcome"] != "survived" and is_explained(mutant, config):
            print(f"  called equivalent, but killed: {mutant.file}:{mutant.line}: {mutant.after}", file=sys.stderr)
    for mutant in unexplained:
        print(f"  not explained: {mutant.file}:{mutant.line}: {mutant.before}  ->  {mutant.after}", file=sys.stderr)
    return len(tried) == len(mutants) and not unexplained and share >= config["killed"]


def main() -> int:
    """Test the modules that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    parser.add_argument("--config", type=Path, default=ROOT / "tests" / "mutations.toml")
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "mutations")
    parser.add_argument("--again", action="store_true", help="repeat the mutants that survived")
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    parser.add_argument("--list", action="store_true", help="only report what is known")
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text(encoding="utf-8"))
    modules = {name: {"name": name, "files": files} for name, files in config["module"].items()}
    unknown = sorted(set(arguments.modules) - set(modules))
    if unknown:
        parser.error(f"no module {unknown[0]!r} in {arguments.config}; there are {', '.join(modules)}")
    os.chdir(ROOT)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in LIBRARIES:
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)
    # What was imported stays: the collector of the forked processes need not look at it.
    gc.freeze()
    arguments.results.mkdir(parents=True, exist_ok=True)
    well = True
    rows = [modules[name] for name in arguments.modules or modules]
    picked = {}
    for module in rows:
        picked[module["name"]] = chosen(module, config, arguments.results)
        if not arguments.list:
            test_module(module, picked[module["name"]], config, arguments.results, arguments)
    print("\n" + TITLES)
    for module in rows:
        well &= report(module, picked[module["name"]], arguments.results, config)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
