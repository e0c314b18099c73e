"""The weights that docs/from-pytorch.md moves layer by layer give the numbers of PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tolerances import close, rounding

from gatecast.initializers import RandomUniform
from gatecast.layers import (
    GRU,
    LSTM,
    Activation,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Dense,
    Embedding,
    Flatten,
    Input,
    LayerNormalization,
    SimpleRNN,
)
from gatecast.losses import BinaryCrossentropy, CategoricalCrossentropy, Huber
from gatecast.models import Sequential
from gatecast.utils import to_categorical

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def arrays(module):
    """Return the state_dict of a module as arrays."""
    return {name: value.numpy() for name, value in module.state_dict().items()}


def test_convolution_normalization_and_lstm(rng):
    conv, norm, lstm = torch.nn.Conv1d(2, 8, 3), torch.nn.LayerNorm(8), torch.nn.LSTM(8, 5, batch_first=True)
    out = torch.nn.Linear(5, 1)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    x = rng.normal(size=(6, 12, 2)).astype(np.float32)
    with torch.no_grad():
        h = norm(conv(torch.from_numpy(x).transpose(1, 2)).transpose(1, 2))
        want = out(lstm(h)[0][:, -1]).numpy()
    layers = Conv1D(8, 3), LayerNormalization(epsilon=1e-5), LSTM(5), Dense(1)
    model = Sequential([Input((12, 2)), *layers])
    c, n, r, o = map(arrays, (conv, norm, lstm, out))
    layers[0].set_weights([c["weight"].transpose(2, 1, 0), c["bias"]])
    layers[1].set_weights([n["weight"], n["bias"]])
    layers[2].set_weights([r["weight_ih_l0"].T, r["weight_hh_l0"].T, r["bias_ih_l0"] + r["bias_hh_l0"]])
    layers[3].set_weights([o["weight"].T, o["bias"]])
    close(model.predict(x), want, rounding(1000))


@pytest.mark.parametrize(
    ("module", "layer"),
    [
        (lambda: torch.nn.GRU(2, 5, batch_first=True), lambda: GRU(5)),
        (lambda: torch.nn.RNN(2, 5, nonlinearity="relu", batch_first=True), lambda: SimpleRNN(5, "relu")),
        (lambda: torch.nn.LSTM(2, 5, proj_size=3, batch_first=True), lambda: LSTM(5, projection=3)),
        (lambda: torch.nn.LSTM(2, 5, bias=False, batch_first=True), lambda: LSTM(5)),
    ],
)
def test_recurrent_modules_are_read_as_the_page_says(module, layer, rng):
    peer = module()
    x = rng.normal(size=(6, 12, 2)).astype(np.float32)
    model = Sequential([Input((12, 2)), layer()])
    model.load_torch(peer.state_dict())
    with torch.no_grad():
        close(model.predict(x), peer(torch.from_numpy(x))[0][:, -1].numpy(), rounding(1000))


def test_stacked_and_bidirectional_modules_are_read(rng):
    peer = torch.nn.LSTM(2, 5, num_layers=2, bidirectional=True, batch_first=True)
    x = rng.normal(size=(6, 12, 2)).astype(np.float32)
    model = Sequential([Input((12, 2)), *(Bidirectional(LSTM(5, return_sequences=True)) for _ in "ab")])
    model.load_torch(peer.state_dict())
    with torch.no_grad():
        close(model.predict(x), peer(torch.from_numpy(x))[0].numpy(), rounding(1000))


def test_batch_normalization_and_embedding(rng):
    norm, x = torch.nn.BatchNorm1d(3), rng.normal(size=(40, 3)).astype(np.float32)
    model = Sequential([Input((3,)), BatchNormalization(momentum=0.9, epsilon=1e-5)])
    norm(torch.from_numpy(x))
    norm.eval()
    state = arrays(norm)
    names = ("weight", "bias", "running_mean", "running_var")
    model.layers[0].set_weights([state[name] for name in names])
    with torch.no_grad():
        close(model.predict(x), norm(torch.from_numpy(x)).numpy(), rounding(100))
    table = torch.nn.Embedding(7, 4)
    words = rng.integers(0, 7, (5, 6))
    embedding = Embedding(7, 4)
    model = Sequential([Input((6,)), embedding])
    model.build()
    embedding.set_weights([table.weight.detach().numpy()])
    with torch.no_grad():
        close(model.predict(words), table(torch.from_numpy(words)).numpy(), rounding(1))


class Forecaster(torch.nn.Module):
    """Modules as attributes; the convolution, the norms and both directions in one."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = torch.nn.Conv1d(2, 8, 3), torch.nn.BatchNorm1d(8)
        self.rnn = torch.nn.GRU(8, 5, num_layers=2, bidirectional=True, batch_first=True)
        self.scale, self.fc = torch.nn.LayerNorm(10), torch.nn.Linear(10, 3, bias=False)

    def forward(self, x):
        h = self.norm(self.conv(x.transpose(1, 2))).transpose(1, 2)
        return self.fc(self.scale(self.rnn(h)[0]))


def test_module_with_attributes_is_read_as_a_whole(rng):
    peer, x = Forecaster(), rng.normal(size=(6, 12, 2)).astype(np.float32)
    for module in (peer.norm, peer.scale):
        torch.nn.init.normal_(module.weight)
        torch.nn.init.normal_(module.bias)
    peer(torch.from_numpy(x))  # moves the averages
    peer.eval()
    model = Sequential(
        [
            Input((12, 2)),
            Conv1D(8, 3),
            BatchNormalization(epsilon=1e-5),
            *(Bidirectional(GRU(5, return_sequences=True)) for _ in "ab"),
            LayerNormalization(epsilon=1e-5),
            Dense(3),
        ]
    )
    model.load_torch(peer.state_dict())
    with torch.no_grad():
        want = peer(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(model.predict(x), want, rtol=1e-6, atol=1e-6 * np.abs(want).max())
    back = {name: torch.from_numpy(array) for name, array in model.to_torch(like=peer.state_dict()).items()}
    again = Forecaster().eval()
    again.load_state_dict(back)
    with torch.no_grad():
        np.testing.assert_allclose(again(torch.from_numpy(x)).numpy(), want, rtol=1e-6, atol=1e-6)


def test_sequential_module_with_an_embedding_is_read(rng):
    parts = torch.nn.Embedding(7, 4), torch.nn.Flatten(), torch.nn.ReLU(), torch.nn.Linear(24, 3)
    peer, words = torch.nn.Sequential(*parts), rng.integers(0, 7, (5, 6))
    model = Sequential([Input((6,)), Embedding(7, 4), Flatten(), Activation("relu"), Dense(3)])
    model.load_torch(peer.state_dict())
    with torch.no_grad():
        close(model.predict(words), peer(torch.from_numpy(words)).numpy(), rounding(100))


def test_losses_are_those_of_the_page(rng):
    y, p = rng.normal(size=(20, 3)).astype(np.float32), rng.normal(size=(20, 3)).astype(np.float32)
    labels, classes = (y > 0).astype(np.float32), rng.integers(0, 3, 20)
    t = torch.from_numpy
    close(Huber(0.5)(y, p), 0.5 * torch.nn.SmoothL1Loss(beta=0.5)(t(p), t(y)).item(), rounding(100))
    close(Huber(0.5)(y, p), torch.nn.HuberLoss(delta=0.5)(t(p), t(y)).item(), rounding(100))
    close(BinaryCrossentropy(True)(labels, p), torch.nn.BCEWithLogitsLoss()(t(p), t(labels)).item(), rounding(100))
    want = torch.nn.CrossEntropyLoss()(t(p), t(classes)).item()
    close(CategoricalCrossentropy(True)(to_categorical(classes, 3), p), want, rounding(100))


def test_initial_weights_of_the_page_have_the_range_of_pytorch():
    k = 16**-0.5
    uniform = RandomUniform(-k, k)
    settings = {f"{what}_initializer": uniform for what in ("kernel", "recurrent", "bias")}
    model = Sequential([Input((4, 1)), LSTM(16, unit_forget_bias=False, **settings)])
    peer = torch.nn.LSTM(1, 16)
    for ours, theirs in ((model.get_weights()[1], peer.weight_hh_l0), (model.get_weights()[2], peer.bias_hh_l0)):
        assert 0.8 * k < np.abs(ours).max() <= k
        assert 0.8 * k < theirs.abs().max().item() <= k


def test_a_data_loader_goes_into_fit(rng):
    x, y = rng.normal(size=(24, 4, 1)).astype(np.float32), rng.normal(size=(24, 1)).astype(np.float32)
    data = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    loader = torch.utils.data.DataLoader(data, batch_size=8)
    models = [Sequential([Input((4, 1)), LSTM(3), Dense(1)], seed=1) for _ in "ab"]
    for model in models:
        model.compile("adam", "mse")
    one = models[0].fit(loader, epochs=2, validation_data=loader).history
    two = models[1].fit(x, y, epochs=2, batch_size=8, shuffle=False, validation_data=(x, y)).history
    close(one["loss"] + one["val_loss"], two["loss"] + two["val_loss"], rounding(100))
    close(models[0].predict(loader), models[1].predict(x), rounding(100))
