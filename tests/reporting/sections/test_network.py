import base64

import numpy as np

from gatecast.explain.gates import Gates
from gatecast.nn.inspection.trace import LayerTrace
from gatecast.nn.inspection.unit_memory import UnitMemory
from gatecast.plotting.charts import HistorySeries
from gatecast.reporting.chart_json import Encoder
from gatecast.reporting.sections.network import MAX_STEPS, gate_blocks


def test_gate_blocks_order_units_by_memory_and_keep_the_newest_steps():
    times = np.arange(1000)
    gate = np.stack([np.full(1000, 0.9), np.full(1000, 0.1)], axis=1)[None]
    layers = (LayerTrace("L", "lstm", times, {"f": gate}, {}),)
    gates = Gates(None, layers, times.astype(float), UnitMemory({}, {}, ""), (None, "ds"))
    (choice,) = gate_blocks(gates, HistorySeries(times, times.astype(float)))
    line, cells = choice.figures["L: forget gate"].chart.marks
    assert line.x[0] == cells.x[0] == 1000 - MAX_STEPS
    assert cells.labels == ("unit 1", "unit 0")
    assert cells.values.shape == (2, MAX_STEPS)
    code = Encoder().encode_heat_map({"z": cells.values, "zmin": 0.0, "zmax": 1.0})
    assert np.frombuffer(base64.b64decode(code["b"]), "u1")[[0, -1]].tolist() == [25, 229]
