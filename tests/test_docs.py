"""What the documents show is what happens: Python blocks run, links lead somewhere, targets exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TOLD_ON = {"docs/tutorial.md", "docs/zh/tutorial.md", "docs/inside.md"}
"""Pages whose blocks go on from each other; those of the others stand alone."""


def name_of(page):
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name != "zh"], ids=name_of)
def test_python_blocks_run_and_say_what_is_shown(page, tmp_path, monkeypatch, capsys):
    text = re.sub(
        r"<!-- insert .*?-->\n```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL
    )  # test_extend
    blocks = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    kept = {}
    for number, (block, shown) in enumerate(blocks):
        names = kept if name_of(page) in TOLD_ON else {}
        exec(compile(block, f"{page.name}, block {number + 1}", "exec"), names)
        said = capsys.readouterr().out
        if shown:
            assert said == shown


def test_the_chinese_tutorial_has_the_blocks_of_the_english_one_which_run():
    english, chinese = (
        (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("tutorial.md", "zh/tutorial.md")
    )
    blocks = [re.findall(r"```.*?```", text, re.DOTALL) for text in (english, chinese)]
    assert len(blocks[0]) > 8
    assert blocks[0] == blocks[1]
    headings = [re.findall(r"^## ", text, re.MULTILINE) for text in (english, chinese)]
    assert len(headings[0]) == len(headings[1])


def test_the_site_has_every_page():
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    told = set(re.findall(r"^ +- [^:]+: (\S+\.md)$", config, re.MULTILINE))
    assert told == {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}


def test_names_of_the_reference_exist():
    from importlib import import_module

    for page in sorted((ROOT / "docs" / "api").glob("*.md")):
        for name in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
            module, _, last = name.rpartition(".")
            assert not last[0].isupper() or hasattr(import_module(module), last), name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def test_make_targets_that_are_named_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
            assert target in targets, f"{page.name} names make {target}"


def test_ci_runs_the_test_command_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    told = re.findall(r"^make (.*)$", script, re.MULTILINE)
    assert told == ["test", "test-peers", "sanitize", "docs", "test-pages"]
