"""API keys, logs, metrics, readiness, the store's lock, the description of the endpoints."""

from __future__ import annotations

import json
import logging

import pytest
from server_cases import SERIES

from gatecast.cli.main import main
from gatecast.errors import ConfigError
from gatecast.server.app import make_app
from gatecast.server.logs import _Json
from gatecast.server.security import read_keys
from gatecast.server.settings import Settings

KEY = "an-example-of-a-long-key"


def test_request_without_a_valid_key_is_refused(drive):
    async def scenario(client):
        good = [{"authorization": f"Bearer {KEY}"}, {"x-api-key": KEY}]
        bad = [
            {},
            {"authorization": f"Basic {KEY}"},
            {"x-api-key": KEY[:-1]},
            {"authorization": "Bearer "},
            {"x-api-key": ""},
        ]

        async def codes_of(part):
            return [(await client.get("/v1/models", headers=each)).status_code for each in part]

        # Python 3.10 has no asynchronous comprehension within another one.
        codes = [await codes_of(part) for part in (good, bad)]
        refused = await client.get("/metrics")
        return codes, refused, [(await client.get(path)).status_code for path in ("/healthz", "/readyz")]

    (good, bad), refused, watched = drive(scenario, api_keys=(KEY, "another-long-key-of-many"))
    assert (good, bad, watched) == ([200, 200], [401] * 5, [200, 200])
    assert refused.headers["www-authenticate"] == "Bearer"


def test_logs_and_problems_have_no_key_and_no_values(drive, caplog):
    caplog.set_level(logging.INFO, "gatecast.server")
    logging.getLogger("gatecast.server").propagate = True

    async def scenario(client):
        headers = {"authorization": f"Bearer {KEY}"}
        good = await client.post("/v1/forecast", json={"series": {**SERIES, "y": [77531.25] * 60}}, headers=headers)
        return good, await client.get("/nothing", headers={"authorization": "Bearer a-wrong-but-secret-key"})

    good, bad = drive(scenario, api_keys=(KEY,))
    lines = [json.loads(_Json().format(record)) for record in caplog.records if record.name == "gatecast.server"]
    text = json.dumps(lines) + bad.text
    assert good.status_code == 200
    assert not any(secret in text for secret in (KEY, "a-wrong-but-secret-key", "77531.25"))
    assert KEY not in repr(Settings(store=None, api_keys=(KEY,)))
    requests = [line for line in lines if line["message"] == "request"]
    assert [(line["path"], line["status"]) for line in requests] == [("/v1/forecast", 200), ("/nothing", 401)]
    assert requests[0]["request"] == good.headers["x-request-id"]


@pytest.mark.parametrize(
    ("text", "what"), [("short\n", "guessed"), ("# only a remark\n\n", "has none"), (None, "Cannot read")]
)
def test_file_of_keys_that_protects_nothing_is_refused(tmp_path, text, what):
    path = tmp_path / "keys"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=what):
        read_keys(str(path), {})


def test_metrics_count_requests_by_endpoint_not_by_path(drive):
    async def scenario(client):
        await client.post("/v1/forecast", json={"series": SERIES})
        for k in range(3):
            await client.get(f"/v1/models/absent{k}")
            await client.get(f"/absent{k}")
        return (await client.get("/metrics")).text

    lines = drive(scenario).splitlines()
    assert 'gatecast_requests_total{endpoint="/v1/forecast",method="POST",status="200"} 1' in lines
    assert 'gatecast_requests_total{endpoint="/v1/models/{name}",method="GET",status="404"} 3' in lines
    assert 'gatecast_requests_total{endpoint="none",method="GET",status="404"} 3' in lines
    assert "gatecast_forecasts_waiting 0" in lines
    named = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    samples = {line.split("{")[0].split()[0] for line in lines if not line.startswith("#")}
    assert all(any(sample.startswith(name) for name in named) for sample in samples)


def test_server_that_stops_is_not_ready_but_alive(drive):
    async def scenario(client):
        client.services.stop_accepting()
        return [(await client.get(path)).status_code for path in ("/readyz", "/healthz")]

    assert drive(scenario) == [503, 200]


def test_second_server_of_a_store_is_refused(drive, tmp_path):
    async def scenario(client):
        with pytest.raises(ConfigError, match="Another server"):
            make_app(client.services.settings)

    drive(scenario)
    drive(lambda client: client.get("/healthz"))


def test_description_has_an_example_of_every_body_that_works(drive):
    async def scenario(client):
        document = (await client.get("/openapi.json")).json()
        posts = {path: each["post"] for path, each in document["paths"].items() if "post" in each}
        examples = {path: each["requestBody"]["content"]["application/json"]["example"] for path, each in posts.items()}
        answers = [
            await client.post(path, json=examples[path]) for path in ("/v1/forecast", "/v1/streams", "/v1/models")
        ]
        csv = posts["/v1/forecast"]["requestBody"]["content"]["text/csv"]["example"]
        answers.append(await client.post("/v1/forecast", content=csv, headers={"content-type": "text/csv"}))
        return document, examples, [each.status_code for each in answers]

    document, examples, codes = drive(scenario)
    assert codes == [200, 201, 202, 200]
    assert len(examples) == 10
    assert all("4XX" in method["responses"] for path in document["paths"].values() for method in path.values())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--host 0.0.0.0", "API keys"),
        ("--port 65536", "a port from 0 to 65535"),
        ("--max-body 1X", "a number of bytes"),
        ("--max-rows 0", "a whole number"),
        ("--api-key-file absent", "cannot read the file"),
    ],
)
def test_server_with_wrong_options_does_not_start(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(["serve", *words.split()]) == 2
    assert message in capsys.readouterr().err


def test_store_that_is_a_file_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["serve", "--store", str(tmp_path / "file")]) == 2
    assert "cannot use the store" in capsys.readouterr().err
