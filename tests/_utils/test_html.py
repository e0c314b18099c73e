"""Pages run their own scripts and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from gatecast import Forecaster
from gatecast._utils.html import with_security_policy
from gatecast.reporting.html_report import report


def policy_of(page):
    """Return the directives of the policy of a page."""
    text = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)[1]
    return {name: values.split() for name, _, values in (part.strip().partition(" ") for part in text.split(";"))}


def digests_of(page):
    """Return the digests of the scripts of a page, as a browser computes them."""
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    code = [text for attributes, text in scripts if "application/json" not in attributes]
    return {f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in code}


@pytest.mark.parametrize("head", ["<head>", '<head lang="en">'])
def test_with_security_policy_names_every_script_by_its_digest(head):
    page = with_security_policy(
        f"<html>{head}</head><script>a()</script><script type='text/javascript'>b()</script></html>"
    )
    policy = policy_of(page)
    assert set(policy["script-src"]) == digests_of(page)
    assert policy["default-src"] == ["'none'"]
    assert page.index("Content-Security-Policy") < page.index("<script")


def test_with_security_policy_of_a_page_without_scripts_allows_none():
    assert policy_of(with_security_policy("<html><head></head></html>"))["script-src"] == ["'none'"]


def test_with_security_policy_reads_line_ends_as_a_browser_does():
    unix, windows = (with_security_policy(f"<head></head><script>a(){end}b()</script>") for end in ("\n", "\r\n"))
    assert policy_of(unix) == policy_of(windows)


@pytest.mark.slow
def test_reports_and_charts_have_a_policy(tmp_path):
    pytest.importorskip("plotly")
    forecaster = Forecaster(3, model="naive").fit([5.0, 7.0, 6.0, 8.0] * 6)
    report(forecaster, tmp_path / "report.html")
    forecaster.plot(path=tmp_path / "chart.html")
    for name in ("report.html", "chart.html"):
        page = (tmp_path / name).read_text(encoding="utf-8")
        policy = policy_of(page)
        assert set(policy["script-src"]) == digests_of(page)
        assert "'unsafe-inline'" not in policy["script-src"]
        assert policy["default-src"] == ["'none'"]
