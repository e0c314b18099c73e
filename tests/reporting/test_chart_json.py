import base64
import json

import numpy as np
from report_cases import HOSTILE

from gatecast.reporting.chart_json import Encoder, to_json


def test_times_on_the_grid_are_positions():
    encoder = Encoder(np.arange(100))
    assert encoder.encode_array(np.arange(5, 9)) == {"$": "g", "s": 5, "n": 4}
    apart = encoder.encode_array(np.array([1, 1, 3]))
    assert np.frombuffer(base64.b64decode(apart["b"]), "u2").tolist() == [1, 1, 3]
    assert encoder.encode_array(np.array([1000]))["$"] == "i4"


def test_times_off_the_grid_are_milliseconds():
    code = Encoder().encode_array(np.array(["1970-01-02", "NaT"], "M8[us]"))
    assert np.array_equal(np.frombuffer(base64.b64decode(code["b"]), "f8"), [86_400_000.0, np.nan], equal_nan=True)


def test_split_moves_what_differs_between_series_into_slots():
    def figure(scale):
        trace = {"type": "heatmap", "z": scale * np.eye(2), "zmin": 0.0, "zmax": scale, "y": [f"unit {scale}"]}
        return {"data": [trace], "layout": {}}

    (first, slots), (second, others) = Encoder().split(figure(1.0)), Encoder().split(figure(2.0))
    assert first == second
    assert (slots[0]["hi"], others[0]["hi"]) == (1.0, 2.0)
    assert slots[0]["b"] == others[0]["b"]
    assert (slots[2:], others[2:]) == ([1.0, ["unit 1.0"]], [2.0, ["unit 2.0"]])


def test_json_cannot_end_the_script():
    text = to_json(list(HOSTILE))
    assert "<" not in text
    assert json.loads(text) == list(HOSTILE)
