"""Hostile and mistaken requests: each costs at most its limits, and is answered by a problem that helps."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import zipfile

import pytest
from server_cases import MEMBERS, SERIES, as_csv

import gatecast as gc
from gatecast.server import gate, jobs, tables, worker

JSON = {"content-type": "application/json"}
POSTS = (
    "/v1/forecast",
    "/v1/inspect",
    "/v1/models",
    "/v1/models/a/forecast",
    "/v1/models/a/backtest",
    "/v1/models/a/explain",
    "/v1/models/a/report",
    "/v1/models/a/gates",
    "/v1/streams",
    "/v1/streams/a/step",
)


def check_problem(answer, *codes):
    """A problem+json with all members, of a 4xx code."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document = answer.json()
    # What can be read of a table that cannot be used is there besides.
    assert set(document) - {"columns", "n_columns", "rows"} == MEMBERS
    assert document["status"] == answer.status_code
    assert 400 <= answer.status_code < 500, document
    assert answer.status_code in codes or not codes, document
    assert document["what"]
    assert len(answer.content) < 6000
    return document


def wide(n):
    return json.dumps({"series": {f"c{k}": [1, 2] for k in range(n)}}).encode()


def zipped(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", data)
    return out.getvalue()


BODIES = {
    "nothing": b"",
    "no JSON": b"{series:",
    "no UTF-8": b'{"series": "\xff\xfe"}',
    "list": b"[1, 2]",
    "number": b"1e999",
    "null": b"null",
    "deep lists": b"[" * 200_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep in a cell": b'{"series": {"y": [[[[1]]]]}}',
    "NaN": b'{"series": {"y": [1, NaN, 3]}}',
    "infinity": b'{"series": {"y": [1, -Infinity, 3]}}',
    "1e999": b'{"series": {"y": [1, 1e999, 3]}}',
    "huge integer": b'{"series": {"y": [1, 1' + b"0" * 400 + b", 3]}}",
    "object as cell": b'{"series": {"y": [1, {"a": 1}]}}',
    "unequal columns": b'{"series": {"ds": ["2020-01"], "y": [1, 2]}}',
    "empty columns": b'{"series": {"ds": [], "y": []}}',
    "no columns": b'{"series": {}}',
    "path": b'{"series": "/etc/passwd"}',
    "SQL": b'{"series": "SELECT * FROM read_text(\'/etc/passwd\')"}',
    "path as cell": b'{"series": {"y": ["/etc/passwd", "SELECT 1", "*"]}}',
    "wrong types": b'{"series": {"y": 5}, "h": "many", "level": {}}',
    "h of 0": b'{"series": {"y": [1, 2, 3]}, "h": 0}',
    "h as truth value": b'{"series": {"y": [1, 2, 3]}, "h": true}',
    "level of 100": b'{"series": {"y": [1, 2, 3]}, "level": [100]}',
    "unknown setting": b'{"horizon": 3}',
    "name with a path": b'{"name": "../../etc/passwd", "series": {"y": [1, 2]}}',
    "column name with a null": b'{"series": {"a\\u0000": ["\\u0000", "\\ud800"]}}',
}


@pytest.fixture
def with_model(tmp_path, monkeypatch):
    """A model in the store, and work of processes done in this one: a process takes a second."""
    (tmp_path / "store" / "models").mkdir(parents=True)
    gc.Forecaster(3, model="naive").fit(SERIES).save(tmp_path / "store" / "models" / "a.gatecast")
    monkeypatch.setattr(worker, "_end_with_server", lambda: None)
    monkeypatch.setattr(worker, "_limit_memory", lambda _: None)

    async def in_this_process(folder, *_):
        await asyncio.to_thread(worker.main, folder)

    monkeypatch.setattr(jobs, "run_worker", in_this_process)


@pytest.mark.parametrize("name", BODIES)
def test_hostile_body_is_a_problem_of_every_endpoint(drive, name, with_model):
    async def scenario(client):
        stream = (await client.post("/v1/streams", json={"series": SERIES})).json()["id"]
        paths = [path.replace("streams/a", f"streams/{stream}") for path in POSTS]
        answers = [await client.post(path, content=BODIES[name], headers=JSON) for path in paths]
        return answers, (await client.get("/healthz")).status_code

    answers, alive = drive(scenario)
    for path, answer in zip(POSTS, answers, strict=True):
        # Nothing at all is what a stored model needs: it forecasts its own series.
        if name == "nothing" and path.startswith("/v1/models/a") and answer.status_code == 200:
            continue
        check_problem(answer)
        assert answer.status_code != 404
        assert "root:" not in answer.text
    assert alive == 200


@pytest.mark.parametrize("path", POSTS)
def test_body_beyond_the_limit_is_refused_unread(drive, path):
    given = []

    async def parts():
        for _ in range(1000):
            given.append(1)
            yield b"1" * 1_000_000

    async def scenario(client):
        announced = await client.post(path, content=b"1", headers={**JSON, "content-length": "1000000000"})
        return announced, await client.post(path, content=parts(), headers=JSON)

    for answer in drive(scenario, max_body=2_000_000):
        assert check_problem(answer, 413)["what"] == "The body is too large"
    assert len(given) < 6


@pytest.mark.parametrize(
    ("body", "code", "what"),
    [
        (wide(1001), 413, "The table has too many columns"),
        (json.dumps({"series": {"y": [1] * 1001}}).encode(), 413, "The table has too many rows"),
        (json.dumps({"series": SERIES, "h": 2001}).encode(), 413, "Too many steps"),
        (
            json.dumps({"series": {"id": [f"{k // 2}" for k in range(1000)], "y": [1] * 1000}, "h": 9}).encode(),
            413,
            "rows",
        ),
        (json.dumps({"series": SERIES, "model": "lstm"}).encode(), 422, "trained first"),
        (json.dumps({"series": SERIES, "model": "nonsense"}).encode(), 422, "nonsense"),
        (json.dumps({"series": SERIES, "horizon": 3}).encode(), 422, "Unknown setting"),
        (json.dumps({"series": SERIES, "h": 900, "intervals": "measured"}).encode(), 413, "Too many steps"),
    ],
)
def test_forecast_beyond_a_limit_says_which(drive, body, code, what):
    async def scenario(client):
        return await client.post("/v1/forecast", content=body, headers=JSON)

    assert what in check_problem(drive(scenario, max_rows=1000), code)["what"]


@pytest.mark.slow
def test_million_columns_cost_their_limit_alone(drive):
    async def scenario(client):
        text = b",".join(b"c%d" % k for k in range(1_000_000)) + b"\n" + b",".join([b"1"] * 1_000_000)
        csv = await client.post("/v1/forecast", content=text, headers={"content-type": "text/csv"})
        return csv, await client.post("/v1/forecast", content=wide(600_000), headers=JSON)

    for answer in drive(scenario):
        assert "columns" in check_problem(answer, 413)["what"]


@pytest.mark.parametrize(
    "upload",
    [
        gzip.compress(as_csv() * 1000),
        zipped(b"1" * 20_000_000),
        b"PAR1" + b"\0" * 100,
        b"\0" * 1000,
        b"",
        b"\xff\xfe",
        b"a,b\n1,2\n",
        b"SELECT * FROM 'x.csv'",
        b"ds,y\n" * 3,
        b'"' * 1000,
    ],
    ids=["gzip", "zip bomb", "parquet", "nulls", "nothing", "mark", "one row", "SQL", "titles", "quotes"],
)
@pytest.mark.parametrize("as_form", [False, True])
def test_hostile_upload_is_a_problem(drive, upload, as_form):
    async def scenario(client):
        if as_form:
            return await client.post("/v1/forecast", files={"file": ("/etc/passwd", upload)}, data={"h": "2"})
        return await client.post("/v1/forecast?h=2", content=upload, headers={"content-type": "text/csv"})

    document = check_problem(drive(scenario), 422)
    assert "/tmp" not in str(document)
    assert "upload-" not in str(document)


def test_encoded_body_is_refused(drive):
    async def scenario(client):
        bomb = gzip.compress(b"1" * 50_000_000)
        return await client.post("/v1/forecast", content=bomb, headers={**JSON, "content-encoding": "gzip"})

    check_problem(drive(scenario), 415)


def test_hostile_arrow_is_a_problem(drive):
    pa = pytest.importorskip("pyarrow")

    def stream(table, **options):
        out = io.BytesIO()
        with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
            writer.write_table(table)
        return out.getvalue()

    numbers = pa.table({"y": [1.0] * 100_000})
    good = stream(numbers)
    cases = [
        b"",
        b"ARROW1" * 50,
        good[:-1000],
        stream(numbers, compression="zstd"),
        stream(numbers, compression="lz4"),
        stream(pa.table({"y": [[1.0]]})),
        stream(pa.table({f"c{k}": [1] for k in range(1001)})),
        stream(pa.table({"y": pa.nulls(10)})),
        stream(pa.table([[1], [2]], names=["y", "y"])),
        # Offsets of texts that point outside.
        stream(pa.table({"y": ["ab", "cd"]})).replace(b"\x02\0\0\0\x04\0\0\0", b"\xff\xff\xff\x7f\x04\0\0\0"),
    ]

    async def scenario(client):
        headers = {"content-type": tables.ARROW}
        return [await client.post("/v1/forecast?h=2", content=case, headers=headers) for case in cases]

    for answer in drive(scenario):
        check_problem(answer, 422, 413)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/index.html", 404),
        ("GET", "/v1/forecast", 405),
        ("DELETE", "/v1/models", 405),
        ("GET", "/v1/models/absent", 404),
        ("GET", "/v1/models/..%2F..%2Fetc%2Fpasswd", 404),
        ("GET", "/v1/models/%2e%2e", 422),
        ("DELETE", "/v1/models/a.b", 422),
        ("GET", "/v1/jobs/absent", 404),
        ("DELETE", "/v1/jobs/absent", 404),
        ("GET", "/v1/jobs/absent/events", 404),
        ("GET", "/v1/streams/absent", 404),
        ("GET", "/v1/streams/..", 404),
        ("DELETE", "/v1/streams/absent", 404),
    ],
)
def test_unknown_thing_is_a_problem(drive, method, path, code):
    async def scenario(client):
        return await client.request(method, path)

    check_problem(drive(scenario), code)


@pytest.mark.parametrize("path", ["/v1/forecast", "/v1/forecast?h=3"])
@pytest.mark.parametrize("kind", ["text/html", "application/x-www-form-urlencoded", "application/zip"])
def test_other_content_is_refused(drive, kind, path):
    async def scenario(client):
        return await client.post(path, content=b"y=1", headers={"content-type": kind})

    answer = drive(scenario)
    check_problem(answer, 415)
    assert "curl -H 'Content-Type: text/csv'" in answer.json()["fix"]


@pytest.mark.parametrize(
    ("body", "what", "where", "got", "expected"),
    [
        ("[1,", "The body is not JSON", "body", "EOF while parsing a value at line 1 column 3", "JSON"),
        ("month,y\n2024-01,5", "The body is not JSON", "body", "expected value at line 1 column 1", "JSON"),
        ("[1]", "The body does not have the form of this endpoint", "body", "[1]", "an object"),
        ('{"h": "2"}', "The body does not have the form of this endpoint", "h", "'2'", "a valid integer"),
        (
            '{"h": 0}',
            "The body does not have the form of this endpoint",
            "h",
            "0",
            "a number greater than or equal to 1",
        ),
        ('{"series": {"y": 5}}', "The body does not have the form of this endpoint", "series.y", "5", "a valid array"),
    ],
)
def test_body_of_another_form_says_what_is_expected(drive, body, what, where, got, expected):
    async def scenario(client):
        return await client.post("/v1/forecast", content=body, headers=JSON)

    answer = drive(scenario)
    check_problem(answer, 422)
    facts = answer.json()
    assert (facts["what"], facts["where"], facts["got"], facts["expected"]) == (what, where, got, expected)


def test_table_without_a_content_type_is_told_to_say_what_it_is(drive):
    async def scenario(client):
        return await client.post("/v1/forecast?h=3", content=b"month,y\n2024-01,5\n")

    answer = drive(scenario)
    check_problem(answer, 422)
    assert answer.json()["got"] == "no Content-Type"
    assert answer.json()["fix"].endswith("say so in Content-Type, for example text/csv.")


def test_defect_is_a_problem_that_says_nothing_of_itself(drive, monkeypatch):
    async def scenario(client):
        def broken(*_):
            raise KeyError("secret")

        monkeypatch.setattr(client.services, "list_models", broken)
        return await client.get("/v1/models")

    answer = drive(scenario)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


def test_bodies_of_many_callers_together_are_limited(drive, monkeypatch):
    monkeypatch.setattr(gate, "BODIES", 2)

    async def scenario(client):
        all_sent = asyncio.Event()

        async def slow():
            yield b"1" * 900_000
            await all_sent.wait()
            yield b"1"

        waiting = [asyncio.create_task(client.post("/v1/forecast", content=slow(), headers=JSON)) for _ in range(4)]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        refused = [task.result() for task in done]
        all_sent.set()
        codes = sorted(answer.status_code for answer in await asyncio.gather(*waiting))
        return refused, codes, await client.post("/v1/forecast", json={"series": SERIES})

    refused, codes, after = drive(scenario, max_body=1_000_000)
    check_problem(refused[0], 429)
    # The others are no JSON.
    assert codes.count(422) == 2
    assert after.status_code == 200


def test_body_that_does_not_arrive_is_refused(drive, monkeypatch):
    monkeypatch.setattr(gate, "READ_SECONDS", 0.05)

    async def scenario(client):
        async def endless():
            while True:
                yield b" "
                await asyncio.sleep(0.01)

        return await client.post("/v1/forecast", content=endless(), headers=JSON)

    check_problem(drive(scenario), 408)


def test_long_past_of_a_stream_is_refused(drive):
    async def scenario(client):
        return await client.post("/v1/streams", json={"series": {"y": [1.5] * 30_000}})

    check_problem(drive(scenario), 413)
