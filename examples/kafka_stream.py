"""A consumer of a topic that forecasts each sensor from carried state.

Run it: python kafka_stream.py [STATE_FOLDER]

No broker is needed to try it: `Topic` has the shape of a consumer of Kafka, and makes its messages from a seed. With a
real broker, replace it by `confluent_kafka.Consumer`, with `enable.auto.commit` off. What matters is here:

1. A stream a sensor. A step takes one value, says whether it is an anomaly, and forecasts; its cost does not grow.
2. State first, offset second: streams are saved, then the offset is committed. After a crash the messages since the
   last commit come again, to streams that stand where they stood then.
3. Messages that come twice, as they may after that, are passed over by their number.
4. The score is printed: how often the value was in the 90 % interval of the step before, and the error next to that of
   the naive forecast, "as the last value". An interval that holds 60 % where it says 90 % is worse than none.
"""

import json
import sys
from pathlib import Path

import numpy as np

import gatecast as gc

WARM_UP, LEVEL, COMMIT_EVERY = 96, 90, 100
SENSORS = ("boiler", "pump")


class Topic:
    """Messages of two sensors, a value an hour each; the values of one hour are spoiled: an anomaly."""

    def __init__(self, n=200, begin=0):
        rng, hours = np.random.default_rng(3), np.arange(WARM_UP + n)
        self.messages = []
        for hour in hours:
            for k, sensor in enumerate(SENSORS):
                value = 50 + 20 * k + 10 * np.sin(2 * np.pi * hour / 24 + k) + rng.normal()
                value += 40 * (hour == WARM_UP + 150)
                self.messages.append(json.dumps({"sensor": sensor, "n": int(hour), "value": round(value, 3)}).encode())
        self.offset = begin

    def poll(self):
        """Return the next message; None if there is none."""
        if self.offset == len(self.messages):
            return None
        self.offset += 1
        return self.messages[self.offset - 1]


class Consumer:
    """What reads the topic: a stream for each sensor, and how good it was."""

    def __init__(self, folder):
        self.folder, self.streams, self.past, self.errors = folder, {}, {}, []
        file = folder / "state.json"
        self.state = json.loads(file.read_text()) if file.exists() else {"offset": 0, "n": {}, "past": {}}
        self.past = {sensor: list(values) for sensor, values in self.state["past"].items()}
        for sensor in self.state["n"]:
            self.streams[sensor] = gc.ForecastStream.load(folder / f"{sensor}-{self.state['offset']}.stream")

    def take(self, message):
        """Take a message."""
        message = json.loads(message)
        sensor, number, value = message["sensor"], message["n"], message["value"]
        past = self.past.setdefault(sensor, [])
        if sensor not in self.streams:
            past.append(value)
            if len(past) == WARM_UP:
                forecaster = gc.Forecaster(6, model="pretrained", level=LEVEL, freq="h")
                hours = np.datetime64("2025-01-01T00") + np.arange(WARM_UP)
                self.streams[sensor] = forecaster.stream({"ds": hours, "y": past}, level=99.9)
                self.state["n"][sensor] = number
            return
        if number <= self.state["n"][sensor]:
            return  # it came before
        before = self.streams[sensor].predict()
        low, high = (before[f"Pretrained-{side}-{LEVEL}"][0] for side in ("lo", "hi"))
        self.errors.append((abs(value - before["Pretrained"][0]), abs(value - past[-1]), low <= value <= high))
        if self.streams[sensor].step(value).is_anomaly:
            print(f"anomaly: {sensor} at hour {number}: {value}")
        self.state["n"][sensor], past[:] = number, [value]

    def commit(self, offset):
        """Save the streams under the offset, then the offset: a crash in between changes nothing."""
        for sensor, stream in self.streams.items():
            stream.save(self.folder / f"{sensor}-{offset}.stream")
        self.state |= {"offset": offset, "past": self.past}
        draft = self.folder / "state.json.new"
        draft.write_text(json.dumps(self.state))
        draft.replace(self.folder / "state.json")
        for file in self.folder.glob("*.stream"):
            if not file.stem.endswith(f"-{offset}"):
                file.unlink()


def main(folder, n=200):
    folder.mkdir(parents=True, exist_ok=True)
    consumer = Consumer(folder)
    topic = Topic(n, begin=consumer.state["offset"])
    print(f"from offset {topic.offset}")
    while (message := topic.poll()) is not None:
        consumer.take(message)
        if topic.offset % COMMIT_EVERY == 0:
            consumer.commit(topic.offset)
    consumer.commit(topic.offset)
    if consumer.errors:
        error, naive, inside = np.mean(consumer.errors, axis=0)
        print(f"{len(consumer.errors)} steps: mean absolute error {error:.2f}, naive {naive:.2f}")
        print(f"{100 * inside:.0f} % of the values were in the {LEVEL} % interval of the step before")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "kafka-state"))
