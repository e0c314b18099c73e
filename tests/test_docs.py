"""What the documents show is what happens: Python blocks run, print what stands below them, links lead somewhere."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")), *sorted(DOCS.rglob("*.md"))]
SITE = [page for page in PAGES if page.is_relative_to(DOCS)]
CHINESE = DOCS / "zh" / "tutorial.md"
ENGLISH = DOCS / "tutorial.md"

BLOCK = re.compile(
    r"^```python\n(.*?)^```\n(?:\n*(?:<!-- within (\d+) % -->\n)?```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE
)
"""Code, the tolerance of the numbers that it prints, and what it prints."""

DIRECTIVE = re.compile(r"^::: (\S+)$", re.MULTILINE)
"""What a page of the reference is made of."""

NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


def name_of(page):
    return page.relative_to(ROOT).as_posix()


def text_of(page):
    return page.read_text(encoding="utf-8")


def blocks_of(page):
    """Code, tolerance and output of a page's blocks; those of extend.md are run by test_extend."""
    text = re.sub(r"<!-- insert .*?-->\n```.*?```", "", text_of(page), flags=re.DOTALL)
    return [match.groups() for match in BLOCK.finditer(text)]


def prose_of(page):
    return re.sub(r"^```.*?^```$", "", text_of(page), flags=re.DOTALL | re.MULTILINE)


def differences(said, shown, percent):
    """What is not as it is shown: words may not differ, numbers by some percent, or one in the last decimal."""
    if percent is None:
        return [] if said == shown else [(said, shown)]
    if NUMBER.sub("#", said).split() != NUMBER.sub("#", shown).split():
        return [(said, shown)]
    found = []
    for one, other in zip(NUMBER.findall(said), NUMBER.findall(shown), strict=True):
        decimals = other.partition("e")[0].partition(".")[2]
        unit = 10.0 ** -len(decimals) if decimals and "e" not in other else 0.0
        got, want = (float(number.replace(",", "")) for number in (one, other))
        if abs(got - want) > max(int(percent) / 100 * abs(want), unit):
            found.append((got, want))
    return found


@pytest.mark.parametrize("page", [page for page in PAGES if page != CHINESE], ids=name_of)
def test_python_blocks_run_and_print_what_is_shown(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    # Blocks of the site's pages go on from each other; the README's can be copied one by one.
    told_on = {}
    for number, (code, percent, shown) in enumerate(blocks_of(page), 1):
        exec(compile(code, f"{page.name}, block {number}", "exec"), told_on if page in SITE else {})
        said = capsys.readouterr().out
        if shown is None:
            assert not said or page not in SITE, f"{page.name}, block {number}: what it prints is not shown"
        else:
            assert not differences(said, shown, percent), f"{page.name}, block {number}, printed:\n{said}"


def test_differences_are_found():
    assert differences("a 1.0\n", "a 1.1\n", None)
    assert differences("a 1.00\n", "b 1.00\n", "5")
    assert differences("a 1.00, 9\n", "a 1.20, 9\n", "10") == [(1.0, 1.2)]
    assert differences("a  103.4\n", "a 100.1\n", "5") == []
    assert differences("1,234 and -2e-03, 0.1\n", "1,239 and -2e-03, 0.2\n", "1") == []
    assert differences("1961-02 4e-15\n", "1961-01 4e-16\n", "10") == [(-2.0, -1.0), (4e-15, 4e-16)]


def test_the_chinese_tutorial_has_the_code_and_the_outputs_of_the_english_one():
    english, chinese = blocks_of(ENGLISH), blocks_of(CHINESE)
    assert len(english) == len(chinese) > 15
    for number, ((code, *shown), (other, *told)) in enumerate(zip(english, chinese, strict=True), 1):
        # Comments and docstrings are Chinese there.
        assert without_words(code) == without_words(other), f"block {number}"
        assert shown == told, f"output of block {number}"
    formulas = [re.findall(r"^```\n(.*?)^```$", text_of(page), re.DOTALL | re.MULTILINE) for page in (ENGLISH, CHINESE)]
    assert [len(one.splitlines()) for one in formulas[0]] == [len(one.splitlines()) for one in formulas[1]]
    headings = [re.findall(r"^## ", text_of(page), re.MULTILINE) for page in (ENGLISH, CHINESE)]
    assert len(headings[0]) == len(headings[1])


def without_words(code):
    """The tree of a block without its comments and docstrings."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Pass()
    return ast.dump(tree)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files_and_headings(page):
    for target, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)", prose_of(page)):
        file = page.parent / target if target else page
        assert file.exists(), f"{page.name} links to {target}, which is not there"
        told = any(f"{anchor}.".startswith(f"{name}.") for name in DIRECTIVE.findall(text_of(file))) if anchor else True
        assert told or anchor in anchors_of(file), f"{page.name}: no heading {anchor} in {file.name}"


def anchors_of(page):
    """What headings of a page are called in links, on the site as on GitHub."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_exist(page):
    for name in re.findall(r"`((?:src|tests|native|examples|benchmarks|scripts|docs)/[\w./*-]+)`", prose_of(page)):
        assert list(ROOT.glob(name.rstrip("/"))), f"{page.name} names {name}, which is not there"


def test_the_site_has_every_page_once():
    told = re.findall(r"^ +- (?:[^:\n]+: )?(\S+\.md)$", text_of(ROOT / "mkdocs.yml"), re.MULTILINE)
    assert sorted(told) == sorted(page.relative_to(DOCS).as_posix() for page in SITE)


REFERENCE = {name for page in SITE for name in DIRECTIVE.findall(text_of(page))}


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_names_of_the_reference_exist(name):
    assert resolved(name) is not None


def resolved(name):
    """The module or object of a dotted name."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, last = name.rpartition(".")
        return getattr(importlib.import_module(module), last, None)


PUBLIC = (
    "gatecast",
    "gatecast.config",
    "gatecast.errors",
    "gatecast.layers",
    "gatecast.losses",
    "gatecast.metrics",
    "gatecast.models",
    "gatecast.optim",
    "gatecast.nn.inspection.trace",
    "gatecast.nn.inspection.unit_memory",
    "gatecast.nn.inspection.attributions",
)
"""Modules whose names a user imports."""


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_in_the_reference(module):
    there = importlib.import_module(module)
    for name in there.__all__:
        thing = getattr(there, name)
        thing = getattr(thing, "__self__", thing)  # load is a method of Forecaster
        if not hasattr(thing, "__module__") or thing.__module__ in ("builtins", "typing", "collections.abc"):
            continue  # constants, and names of types
        homes = {module, thing.__module__}
        names = {f"{home}.{last}" for home in homes for last in {name, getattr(thing, "__qualname__", name)}}
        same = any(resolved(page_name) is thing for page_name in REFERENCE)
        assert same or REFERENCE & (names | homes), f"{module}.{name} is on no page"


def test_every_command_and_option_is_on_its_page_and_no_other():
    from typer.main import get_command

    from gatecast.cli.app import app

    page = text_of(DOCS / "api" / "commands.md")
    commands = get_command(app).commands
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))
    shared = options_in(sections.pop("Shared options"))
    sections.pop("JSON documents")
    told = {heading.strip("`").split()[1]: text for heading, text in sections.items()}
    assert set(told) == set(commands)
    for name, command in commands.items():
        given = {word for one in command.params for word in (*one.opts, *one.secondary_opts) if word.startswith("-")}
        named = options_in(told[name]) | (shared if "shared options" in told[name] else set())
        assert named - ({"--model"} if name == "compare" else set()) == given - {"-h", "--help"}, name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_that_are_shown_exist(page):
    from typer.main import get_command

    from gatecast.cli.app import app

    commands = get_command(app).commands
    blocks = re.findall(r"^```sh\n(.*?)^```", text_of(page), re.DOTALL | re.MULTILINE)
    inline = [code for code in re.findall(r"`(gatecast [^`]+)`", prose_of(page)) if not code.endswith("COMMAND --help")]
    for line in [*"".join(blocks).splitlines(), *inline]:
        program, _, rest = line.partition("#")[0].partition(" ")
        words = rest.split()
        if program != "gatecast" or words[0].startswith("-"):
            continue
        params = commands[words[0]].params
        flags = {"-h", "--help"} | {flag for param in params for flag in (*param.opts, *param.secondary_opts)}
        assert {word for word in words[1:] if word.startswith("-")} <= flags, line


def options_in(text):
    """Options in the first cells of a table."""
    cells = re.findall(r"^\| (`-.*?) \|", text, re.MULTILINE)
    return {option for cell in cells for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", cell)}


OUTSIDE = (
    '<script src="https://cdn.example/a.js"></script>',
    '<link rel="stylesheet" href="//fonts.example/a.css">',
    "<link href=https://fonts.example rel=preconnect>",
    '<link rel="shortcut icon" href="https://pictures.example/a.ico">',
    '<IMG SRC="https://pictures.example/a.png">',
    '<source srcset="https://pictures.example/a.png 2x">',
    '<object data="https://pictures.example/a.svg"></object>',
    '<script>import("https://cdn.example/a.js")</script>',
    '<pre class="mermaid">graph</pre>',
    '<img alt="" src="http://pictures.example/a.png">',
    "<style>body { background: url(https://pictures.example/a.png) }</style>",
    '<style>@import "https://fonts.example/a.css";</style>',
)


@pytest.mark.parametrize("text", OUTSIDE)
def test_a_page_that_asks_another_host_is_found(tmp_path, text):
    (tmp_path / "a.html").write_text(text, encoding="utf-8")
    assert len(check_site().outside(tmp_path)) == 1


def test_links_and_files_of_the_site_are_no_requests(tmp_path):
    text = '<a href="https://example.org">there</a><img src="a.png"><link rel="canonical" href="https://example.org/">'
    (tmp_path / "a.html").write_text(text, encoding="utf-8")
    assert check_site().outside(tmp_path) == []


def check_site():
    """The script that `make docs` runs on the built site."""
    spec = importlib.util.spec_from_file_location("check_site", ROOT / "scripts" / "check_site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_make_targets_that_are_named_exist():
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    for page in PAGES:
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", text_of(page), re.MULTILINE):
            assert target in targets, f"{page.name} names make {target}"


def test_ci_runs_the_commands_of_the_readme():
    script = text_of(ROOT / ".ci" / "run")
    told = re.findall(r"^make (.*)$", script, re.MULTILINE)
    assert [one.split()[0] for one in told] == ["test", "docs", "test-peers", "sanitize", "test-pages"]
