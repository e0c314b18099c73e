"""The page as files: policy, ETags, addresses with a digest, nothing from elsewhere."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("fastapi")

from gatecast.server.page_files import page_files

KEY = "an-example-of-a-key"
MAX_BYTES = 300_000


def test_page_needs_no_key_and_the_api_does(drive):
    async def scenario(client):
        folder, _ = page_files()
        return [
            (await client.get(path)).status_code
            for path in ("/", f"/page/{folder}/app.js", "/v1/about", "/openapi.json", "/pages", "//page/x")
        ]

    assert drive(scenario, api_keys=(KEY,)) == [200, 200, 401, 401, 401, 401]


def test_page_and_files_have_a_strict_policy_and_are_cached(drive):
    async def scenario(client):
        page = await client.get("/")
        address = re.search(r'src="(page/[^"]+/app\.js)"', page.text).group(1)
        script = await client.get(f"/{address}")
        again = [
            await client.get(path, headers={"if-none-match": first.headers["etag"]})
            for path, first in (("/", page), (f"/{address}", script))
        ]
        return page, script, again, await client.get("/page/0123456789abcdef/app.js")

    page, script, again, old = drive(scenario)
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-cache"
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["x-content-type-options"] == "nosniff"
    assert [(each.status_code, each.content) for each in again] == [(304, b""), (304, b"")]
    assert (old.status_code, old.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("name", ["..%2f..%2fapp.py", "page_files.py", "app.js%00", "APP.JS", ""])
def test_files_beside_the_page_are_not_served(drive, name):
    folder, _ = page_files()
    assert drive(lambda client: client.get(f"/page/{folder}/{name}")).status_code == 404


def test_files_have_nothing_inline_nothing_from_elsewhere_and_are_small():
    _, found = page_files()
    texts = {name: file.data.decode() for name, file in found.items()}
    assert sum(len(file.data) for file in found.values()) < MAX_BYTES
    page = texts["index.html"]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", page)
    assert "{assets}" not in page
    for name, text in texts.items():
        # Names of XML are no addresses that are asked for.
        hosts = set(re.findall(r"https?://([^/\"'`\s]+)", text)) - {"www.w3.org", "schemas.openxmlformats.org"}
        assert not hosts, name
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(", text), name


def test_both_languages_have_the_same_words():
    _, found = page_files()
    words = found["words.js"].data.decode()
    english, chinese = (
        {
            (key, tuple(sorted(re.findall(r"\{\w+\}", text))))
            for key, text in re.findall(r'(?:^|[\s{,])"?([\w-]+)"?: "((?:[^"\\]|\\.)*)"', part)
        }
        for part in re.findall(r"const (?:EN|ZH) = \{(.*?)\n\};", words, re.S)
    )
    assert len(english) > 100
    assert english == chinese
    used = set(re.findall(r'\bt\("(\w+)"', "".join(file.data.decode() for file in found.values())))
    used |= set(re.findall(r'data-t="(\w+)"', found["index.html"].data.decode()))
    assert used <= set(re.findall(r"(?:^|[\s{,])(\w+): [\"{]", words))
