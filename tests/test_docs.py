"""The documents are true: blocks run and print what is shown, links resolve, every public name is documented once."""

import ast
import importlib
import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from unittest import mock

import pytest

from gatecast.layers import LAYERS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")), *sorted(DOCS.rglob("*.md"))]
SITE = [page for page in PAGES if page.is_relative_to(DOCS)]
CHINESE = sorted((DOCS / "zh").glob("*.md"))
REFERENCE = sorted((DOCS / "api").glob("*.md"))

PUBLIC = (
    "gatecast",
    "gatecast.backend",
    "gatecast.activations",
    "gatecast.callbacks",
    "gatecast.config",
    "gatecast.constraints",
    "gatecast.data",
    "gatecast.datasets",
    "gatecast.errors",
    "gatecast.forecasting",
    "gatecast.initializers",
    "gatecast.kernels",
    "gatecast.layers",
    "gatecast.losses",
    "gatecast.metrics",
    "gatecast.models",
    "gatecast.optim",
    "gatecast.optimizers",
    "gatecast.optimizers.schedules",
    "gatecast.preprocessing",
    "gatecast.preprocessing.sequence",
    "gatecast.regularizers",
    "gatecast.server",
    "gatecast.sklearn",
    "gatecast.testing",
    "gatecast.utils",
)
"""Modules that users import. All others are private."""

KERNELS = ("cells", "equations", "native", "packing", "reference")
"""Modules of `gatecast.kernels`, which are public as modules."""

RESULTS = (
    "gatecast.evaluation",
    "gatecast.explain",
    "gatecast.nn",
    "gatecast.pipeline",
    "gatecast.results",
    "gatecast.selection",
    "gatecast.stream",
)
"""Homes of the classes that public functions return. Users meet the objects and never import the classes."""

DIRECTIVE = re.compile(r"^::: (\S+)$", re.MULTILINE)
"""A public name on a page of the reference."""

NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


def page_name(page):
    return page.relative_to(ROOT).as_posix()


def read_text(page):
    return page.read_text(encoding="utf-8")


def read_prose(page):
    return re.sub(r"^```.*?^```$", "", read_text(page), flags=re.DOTALL | re.MULTILINE)


def load_script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


update_docs = load_script("update_docs")
check_site = load_script("check_site")


# Blocks of Python.


def output_differences(printed, shown, percent):
    """Return what differs: words must be equal, numbers may differ by some percent or by one in the last decimal."""
    if percent is None:
        return [] if printed == shown else [(printed, shown)]
    if NUMBER.sub("#", printed).split() != NUMBER.sub("#", shown).split():
        return [(printed, shown)]
    differences = []
    for actual_text, expected_text in zip(NUMBER.findall(printed), NUMBER.findall(shown), strict=True):
        decimals = expected_text.partition("e")[0].partition(".")[2]
        unit = 10.0 ** -len(decimals) if decimals and "e" not in expected_text else 0.0
        actual, expected = (float(number.replace(",", "")) for number in (actual_text, expected_text))
        if abs(actual - expected) > max(int(percent) / 100 * abs(expected), unit):
            differences.append((actual, expected))
    return differences


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page not in CHINESE and update_docs.read_blocks(page)], ids=page_name
)
def test_python_blocks_run_in_an_empty_folder_and_print_what_is_shown(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    with mock.patch.dict(LAYERS):  # one page adds a layer
        outputs = list(update_docs.run_blocks(page))
    for number, (block, printed) in enumerate(zip(update_docs.read_blocks(page), outputs, strict=True), 1):
        where = f"{page.name}, block {number}"
        if block.output is None:
            assert not printed or page not in SITE, f"{where}: its output is not shown"
        else:
            assert not output_differences(printed, block.output, block.percent), f"{where}, printed:\n{printed}"


def test_output_differences_compares_words_and_numbers():
    assert output_differences("a 1.0\n", "a 1.1\n", None)
    assert output_differences("a 1.00\n", "b 1.00\n", "5")
    assert output_differences("a 1.00, 9\n", "a 1.20, 9\n", "10") == [(1.0, 1.2)]
    assert output_differences("a  103.4\n", "a 100.1\n", "5") == []
    assert output_differences("1,234 and -2e-03, 0.1\n", "1,239 and -2e-03, 0.2\n", "1") == []
    assert output_differences("1961-02 4e-15\n", "1961-01 4e-16\n", "10") == [(-2.0, -1.0), (4e-15, 4e-16)]


def test_update_page_writes_outputs_below_their_blocks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1)\n```\n\n<!-- within 5 % -->\n```text\nold\n```\n\n```python\nprint(2)\n```\n")
    assert update_docs.update_page(page, ["1\n", "2\n"])
    assert [block.output for block in update_docs.read_blocks(page)] == ["1\n", "2\n"]
    assert "<!-- within 5 % -->" in page.read_text()
    assert not update_docs.update_page(page, ["1\n", "2\n"])


# Chinese pages.


@pytest.mark.parametrize("chinese", CHINESE, ids=page_name)
def test_chinese_page_has_the_blocks_and_headings_of_the_english_page(chinese):
    english = DOCS / chinese.name
    blocks = update_docs.read_blocks(english), update_docs.read_blocks(chinese)
    assert len(blocks[0]) == len(blocks[1])
    for number, (expected, actual) in enumerate(zip(*blocks, strict=True), 1):
        # Comments and docstrings are Chinese there.
        assert code_tree(actual.code) == code_tree(expected.code), f"block {number}"
        assert actual[1:] == expected[1:], f"output of block {number}"
    fences = [
        re.findall(r"^```(\w*)\n(.*?)^```$", read_text(page), re.DOTALL | re.MULTILINE) for page in (english, chinese)
    ]
    shapes = [[(language, len(text.splitlines())) for language, text in blocks] for blocks in fences]
    assert shapes[0] == shapes[1]
    headings = [re.findall(r"^#{1,2} ", read_prose(page), re.MULTILINE) for page in (english, chinese)]
    assert len(headings[0]) == len(headings[1])


def code_tree(code):
    """Return the syntax tree of a block without its comments and docstrings."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Pass()
    return ast.dump(tree)


# Links, files and commands.


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_lead_to_files_and_headings(page):
    for target, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)", read_prose(page)):
        file = page.parent / target if target else page
        assert file.exists(), f"{page.name} links to {target}, which does not exist"
        if anchor:
            documented = any(f"{anchor}.".startswith(f"{name}.") for name in DIRECTIVE.findall(read_text(file)))
            assert documented or anchor in heading_anchors(file), f"{page.name}: no heading {anchor} in {file.name}"


def heading_anchors(page):
    """Return the anchors of the headings of a page, on the site as on GitHub."""
    headings = re.findall(r"^#+ (.+)$", read_prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_files_that_a_page_names_exist(page):
    for name in re.findall(r"`((?:src|tests|native|examples|benchmarks|scripts|docs)/[\w./*-]+)`", read_prose(page)):
        assert list(ROOT.glob(name.rstrip("/"))), f"{page.name} names {name}, which does not exist"


def test_site_navigation_has_every_page_once():
    listed = re.findall(r"^ +- (?:[^:\n]+: )?(\S+\.md)$", read_text(ROOT / "mkdocs.yml"), re.MULTILINE)
    assert sorted(listed) == sorted(page.relative_to(DOCS).as_posix() for page in SITE)


def cli_commands():
    from typer.main import get_command

    from gatecast.cli.app import make_app

    return get_command(make_app()).commands


def flags_of(command):
    return {flag for param in command.params for flag in (*param.opts, *param.secondary_opts) if flag.startswith("-")}


def options_in(text):
    """Return the options in the first cells of a table."""
    cells = re.findall(r"^\| (`-.*?) \|", text, re.MULTILINE)
    return {option for cell in cells for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", cell)}


def test_page_of_the_command_line_has_every_command_and_option():
    commands = cli_commands()
    page = read_text(DOCS / "api" / "commands.md")
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))
    shared = options_in(sections.pop("Shared options"))
    sections.pop("JSON documents")
    texts = {heading.strip("`").split()[1]: text for heading, text in sections.items()}
    assert set(texts) == set(commands)
    for name, command in commands.items():
        documented = options_in(texts[name]) | (shared if "shared options" in texts[name] else set())
        not_here = {"--model"} if name == "compare" else set()
        assert documented - not_here == flags_of(command) - {"-h", "--help"}, name


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_commands_that_a_page_shows_exist(page):
    commands = cli_commands()
    blocks = re.findall(r"^```sh\n(.*?)^```", read_text(page), re.DOTALL | re.MULTILINE)
    inline = [
        code for code in re.findall(r"`(gatecast [^`]+)`", read_prose(page)) if not code.endswith("COMMAND --help")
    ]
    for line in [*"".join(blocks).splitlines(), *inline]:
        program, _, arguments = line.partition("#")[0].partition(" ")
        words = arguments.split()
        if program != "gatecast" or words[0].startswith("-"):
            continue
        known = {"-", "-h", "--help"} | flags_of(commands[words[0]])
        assert {word for word in words[1:] if word.startswith("-")} <= known, line


def test_make_targets_that_pages_name_exist():
    targets = set(re.findall(r"^([a-z0-9-]+):", read_text(ROOT / "Makefile"), re.MULTILINE))
    for page in PAGES:
        for target in re.findall(r"(?:`|^)make ([a-z0-9-]+)", read_text(page), re.MULTILINE):
            assert target in targets, f"{page.name} names make {target}"


def test_make_help_puts_all_descriptions_in_one_column():
    if shutil.which("make") is None:
        pytest.skip("needs make")
    done = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) > 20
    assert len({re.match(r"make \S+ +", line).end() for line in lines}) == 1


# The page about the architecture.


def test_architecture_page_lists_every_package_in_the_order_of_the_import_contract():
    tree = re.search(r"^src/gatecast/\n(.*?)^```$", read_text(DOCS / "architecture.md"), re.DOTALL | re.MULTILINE)[1]
    listed = [line.split()[0].removesuffix("/").removesuffix(".py") for line in tree.splitlines()]
    packages = {path.name for path in (ROOT / "src" / "gatecast").iterdir() if (path / "__init__.py").exists()}
    assert packages <= set(listed)
    contract = re.search(r"^layers = \[\n(.*?)^\]", read_text(ROOT / "pyproject.toml"), re.DOTALL | re.MULTILINE)[1]
    rows = [re.findall(r"gatecast\.(\w+)", line) for line in contract.splitlines()]
    row_of = {name: number for number, names in enumerate(rows) for name in names}
    order = [row_of[name] for name in listed if name in row_of]
    assert order == sorted(order)


def test_architecture_page_names_every_library_that_a_contract_keeps_in_its_place():
    text = read_text(DOCS / "architecture.md").partition("the following contracts")[2].partition("Five modules")[0]
    protected = re.findall(r"^protected_modules = \[(.*)\]", read_text(ROOT / "pyproject.toml"), re.MULTILINE)
    libraries = {name for names in protected for name in re.findall(r'"(\w+)"', names)}
    assert {"holidays", "duckdb"} <= libraries
    for library in libraries:
        assert re.search(rf"\b{library.replace('_', '.')}\b", text, re.IGNORECASE), library


# Figures that several pages state.


@pytest.mark.parametrize(
    ("row", "cell", "others"),
    [
        ("| M3 monthly, 1,428 |", 6, {"how-to/intervals.md": r"([\d.]+) % of the M3 monthly values"}),
        (
            "| M3 yearly, 645 series |",
            6,
            {
                "how-to/intervals.md": r"but ([\d.]+) % of the yearly",
                "choose.md": r"M3 are too wide: ([\d.]+) %",
                "tutorial.md": r"too wide: ([\d.]+) % of the values lie",
                "zh/tutorial.md": r"包含了 ([\d.]+) %",
            },
        ),
        (
            "| M3, all points |",
            3,
            {
                "../README.md": r"pretrained\"`\): ([\d.]+) on M3",
                "choose.md": r"M3: ([\d.]+) of all points",
                "accuracy.md": r"all points ([\d.]+),",
            },
        ),
    ],
)
def test_figures_on_other_pages_are_those_of_the_accuracy_page(row, cell, others):
    line = next(line for line in read_text(DOCS / "accuracy.md").splitlines() if line.startswith(row))
    figure = line.split("|")[cell].strip().rpartition("; ")[2]
    for page, pattern in others.items():
        assert re.findall(pattern, read_text(DOCS / page)) == [figure], page


# What is public.


def imported_modules(code):
    """Return the modules of gatecast that code imports from."""
    modules = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module)
    return {module for module in modules if module and module.partition(".")[0] == "gatecast"}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_blocks_import_public_modules_only(page):
    blocks = update_docs.read_blocks(page)
    assert set().union(*(imported_modules(block.code) for block in blocks)) <= set(PUBLIC)


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=page_name)
def test_examples_import_public_modules_only(script):
    assert imported_modules(read_text(script)) <= set(PUBLIC)


def test_imported_modules_sees_every_form_of_import():
    code = "import gatecast as gc\nimport numpy\nfrom gatecast.nn import optim\nfrom gatecast.kernels import native"
    assert imported_modules(code) == {"gatecast", "gatecast.nn", "gatecast.kernels"}


NEEDS_PEERS = ("gatecast.mlflow", "gatecast.sktime")
"""Public modules that need libraries of `make test-peers`, whose tests import them."""

DIRECTIVES = [
    name for page in REFERENCE for name in DIRECTIVE.findall(read_text(page)) if not name.startswith(NEEDS_PEERS)
]


def test_reference_documents_every_name_once():
    assert len(DIRECTIVES) == len(set(DIRECTIVES))


@pytest.mark.parametrize("name", DIRECTIVES)
def test_reference_documents_public_paths_that_exist(name):
    assert resolve(name) is not None
    module, _, _ = name.rpartition(".")
    public = name in PUBLIC or module in PUBLIC or name.startswith(RESULTS)
    assert public, f"{name} is not under a public path"


def resolve(name):
    """Return the module or object of a dotted name."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        return getattr(importlib.import_module(module), attribute, None)


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_documented_once(module):
    namespace = importlib.import_module(module)
    for name in getattr(namespace, "__all__", KERNELS if module == "gatecast.kernels" else ()):
        value = getattr(namespace, name, None)
        value = getattr(value, "__self__", value)  # load is a class method of Forecaster
        if not is_documentable(value):
            continue
        paths = [path for path in DIRECTIVES if documents(path, value)]
        assert len(paths) == 1, f"{module}.{name} is documented as {paths or 'nothing'}"


def is_documentable(value):
    """Return whether a public name is a class, a function or a module: constants and aliases of types are not."""
    home = getattr(value, "__module__", None)
    return isinstance(value, type(ast)) or home not in (None, "builtins", "typing", "collections.abc")


def documents(path, value):
    """Return whether a directive documents an object: by its path, or by that of a module that exports it."""
    target = resolve(path)
    exported = [getattr(target, name, None) for name in getattr(target, "__all__", ())] if path in PUBLIC else []
    return target is value or any(member is value for member in exported)


# The built site.

REQUESTS = (
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


@pytest.mark.parametrize("text", REQUESTS)
def test_check_site_finds_requests_to_other_hosts(tmp_path, text):
    (tmp_path / "a.html").write_text(text, encoding="utf-8")
    assert len(check_site.find_requests(tmp_path)) == 1


def test_check_site_accepts_links_and_local_files(tmp_path):
    text = '<a href="https://example.org">link</a><img src="a.png"><link rel="canonical" href="https://example.org/">'
    (tmp_path / "a.html").write_text(text, encoding="utf-8")
    assert check_site.find_requests(tmp_path) == []


def test_ci_runs_the_documented_targets():
    targets = re.findall(r"^(?:beside sanitize )?make ([a-z0-9-]+)", read_text(ROOT / ".ci" / "run"), re.MULTILINE)
    assert targets == ["test", "sanitize", "test-peers", "docs", "test-pages"]
