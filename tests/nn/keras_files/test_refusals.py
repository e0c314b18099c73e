"""Truncated, foreign and hostile files, and layers that do not exist here: one error each, and nothing is executed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from keras_file_cases import GOLDEN, altered_archive, write_keras_2

from gatecast.errors import FormatError
from gatecast.models import load_model

h5py = pytest.importorskip("h5py")


def refusal(path):
    """The message for a file."""
    with pytest.raises(FormatError) as caught:
        load_model(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert len(message) < 900
    return message


def set_in(k, **settings):
    """Change the config of a layer."""
    return lambda config: config["config"]["layers"][k]["config"].update(settings)


def set_entry(k, **settings):
    """Change a layer."""
    return lambda config: config["config"]["layers"][k].update(settings)


FUNCTION = {"module": "builtins", "class_name": "function", "config": "my_function", "registered_name": "function"}


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        (set_entry(1, class_name="Lambda"), ["Lambda", "Transform the data before the model"]),
        (set_entry(1, class_name="Attention"), ["the layer Attention, which gatecast does not have"]),
        (set_entry(1, class_name="Graph"), ["the layer Graph"]),
        (set_entry(1, module="mine", registered_name="mine>LSTM"), ["mine>LSTM", "model.set_weights"]),
        (set_entry(1, module=None, registered_name="Custom>LSTM"), ["Custom>LSTM"]),
        (set_entry(1, class_name="Sequential"), ["Put the layers of the inner model into the outer one"]),
        (set_in(1, activation=FUNCTION), ["an activation of its own", "my_function"]),
        (set_in(1, kernel_initializer={**FUNCTION, "class_name": "Mine", "config": {}}), ["of its own, function"]),
        (set_in(1, activity_regularizer="l2"), ["activity_regularizer"]),
        (set_in(1, dtype="float16"), ["another dtype", "float16"]),
        (set_in(1, unitz=3), ["unitz", "Did you mean units?"]),
        (set_in(1, units=-1), ["units"]),
        (set_in(1, units=10**8), ["the layers have more weights than the file"]),
        (set_in(1, units=10**30), ["the layers have more weights than the file"]),
        (set_in(1, units=5), ["The weights do not fit the network"]),
        (set_in(0, batch_shape=[None, 10**12, 10**12]), ["the layers have more weights than the file"]),
        (lambda config: config.update(class_name="Mine", registered_name="mine>Mine", module="mine"), ["mine>Mine"]),
        (lambda config: config["config"].update(layers=[]), ["IndexError"]),
        (lambda config: config["config"]["layers"].extend([{}] * 2000), ["at most 1,000"]),
    ],
)
def test_descriptions_that_cannot_be_used(change, texts, tmp_path):
    message = refusal(altered_archive(tmp_path / "a.keras", "lstm_stack", change))
    for text in texts:
        assert text in message


def test_settings_that_would_change_predictions(tmp_path):
    path = altered_archive(tmp_path / "a.keras", "embedding", set_in(1, mask_zero=True))
    assert "mask_zero=True" in refusal(path)

    def swap(config):
        config["config"]["layers"][1]["config"]["backward_layer"]["config"]["activation"] = "relu"

    assert "two different layers" in refusal(altered_archive(tmp_path / "b.keras", "bidirectional", swap))
    layer = {"class_name": "LSTM", "config": {"units": 1, "recurrent_activation": "hard_sigmoid"}}
    layer["config"]["batch_input_shape"] = [None, 2, 1]
    path = write_keras_2(tmp_path / "a.h5", {"class_name": "Sequential", "config": {"layers": [layer]}}, {})
    assert "hard_sigmoid of Keras 2 is another function" in refusal(path)


@pytest.mark.parametrize("name", ["gru.keras", "gru.h5"])
def test_truncated_files(name, tmp_path):
    data = (GOLDEN / name).read_bytes()
    for size in (8, 100, len(data) // 2, len(data) - 1):
        (tmp_path / name).write_bytes(data[:size])
        refusal(tmp_path / name)


def test_archives_that_attack(tmp_path):
    path = tmp_path / "a.keras"
    altered_archive(path, "gru", members=[("model.weights.h5", bytes(10**8))])
    assert "compressed ones" in refusal(path)
    altered_archive(path, "gru", members=[("config.json", bytes(2**26 + 1))])
    assert "config.json has 67,108,865 bytes, expected at most 67,108,864" in refusal(path)
    altered_archive(path, "gru", members=[("config.json", b"[" * 100_000)])
    refusal(path)
    for name in ("../outside", "/etc/outside", "C:\\outside", "a/../../b"):
        altered_archive(path, "gru", members=[(name, b"")])
        assert "leads out of it" in refusal(path)
    for name in ("config.json", "metadata.json", "model.weights.h5"):
        altered_archive(path, "gru", members=[(name, None)])
        assert f"the archive has no {name}" in refusal(path)
    altered_archive(path, "gru", members=[("model.weights.h5", b"not HDF5")])
    refusal(path)
    assert [item.name for item in tmp_path.iterdir()] == ["a.keras"]


def dense(path, make, shape=(1, 1)):
    """Write a file with one Dense layer, whose kernel `make` creates."""
    config = {"units": shape[1], "name": "d", "batch_input_shape": [None, shape[0]], "use_bias": False}
    layers = [{"class_name": "Dense", "config": config}]
    write_keras_2(path, {"class_name": "Sequential", "config": {"layers": layers}}, {"d": {"kernel": np.ones(shape)}})
    with h5py.File(path, "r+") as file:
        group = file["model_weights/d/d"]
        del group["kernel:0"]
        make(group)
    return path


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda g: g.__setitem__("kernel:0", h5py.ExternalLink("other.h5", "/kernel")), "a link to another place"),
        (lambda g: g.__setitem__("kernel:0", h5py.SoftLink("/model_weights")), "a link to another place"),
        (lambda g: g.create_dataset("kernel:0", (1, 1), "f4", external=[("/etc/hostname", 0, 4)]), "not in the file"),
        (lambda g: g.create_dataset("kernel:0", (10**6, 10**5), "f4", chunks=(100, 100)), "not in the file"),
        (lambda g: g.create_dataset("kernel:0", data=np.ones((1, 1)), compression="gzip"), "compressed"),
        (lambda g: g.create_dataset("kernel:0", (1, 1), h5py.string_dtype()), "expected numbers"),
        (lambda g: g.create_group("kernel:0"), "is missing"),
        (lambda _: None, "is missing"),
    ],
)
def test_arrays_that_are_not_in_the_file(make, text, tmp_path):
    assert text in refusal(dense(tmp_path / "a.h5", make))


def test_one_array_under_many_names_is_read_no_more_often_than_the_file_is_large(tmp_path):
    def make(group):
        group["kernel:0"] = np.ones((100, 100))
        outer = group.parent
        for k in range(50):
            group[f"again{k}"] = group["kernel:0"]
        outer.attrs["weight_names"] = np.array([f"d/again{k}".encode() for k in range(50)])

    assert "is larger than the file" in refusal(dense(tmp_path / "a.h5", make, (100, 100)))


def test_files_of_others(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.ones(3)
    assert "at most weights" in refusal(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.attrs["model_config"] = json.dumps([1])
    refusal(tmp_path / "b.h5")
    refusal(GOLDEN / "lstm_stack.weights.h5")


@pytest.mark.parametrize("name", ["gru.h5", "gru.keras"])
def test_texts_that_never_end_are_refused(name, tmp_path):
    data = bytearray((GOLDEN / "gru.h5").read_bytes())
    start = data.find(b"GCOL") + 16
    while int.from_bytes(data[start : start + 2], "little"):
        start += 16 + (int.from_bytes(data[start + 8 : start + 16], "little") + 7) // 8 * 8
    data[start + 8 : start + 16] = bytes(8)  # the HDF5 library goes on by so many bytes
    path = tmp_path / name
    if name.endswith(".h5"):
        path.write_bytes(data)
    else:
        altered_archive(path, "gru", members=[("model.weights.h5", bytes(data))])
    assert "the texts of the file have been altered" in refusal(path)
