"""PyTorch as a witness, in float64: its own RNN, GRU and LSTM, peepholes in plain operations, its optimisers.

Letters: N layers, B batch, T time, F features, H units. Questions and answers are records of `witnesses`.
PyTorch's gate order is i, f, g, o of an LSTM and r, z, n of a GRU, along the first axis. It has two biases: of an RNN
and an LSTM they are added up, of a GRU the second is within the reset gate's reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from witnesses import ADAM_STEPS, BETAS, GRID, UNITS, Array, Kind, Record, draw_exchange, join, part, split

ORDER = {"rnn": (0,), "rnn_relu": (0,), "gru": (1, 0, 2), "lstm": (0, 1, 3, 2)}
"""Where PyTorch's gates stand among h; z, r, g; i, f, o, g. Each permutation is its own inverse."""

MODULES = {
    "rnn": torch.nn.RNN,
    "rnn_relu": partial(torch.nn.RNN, nonlinearity="relu"),
    "gru": torch.nn.GRU,
    "lstm": torch.nn.LSTM,
}


def stack(question: Record, cell: str = "lstm") -> Record:
    """Answer with PyTorch's own layers: several of them, no peepholes, no mask."""
    layers = split(question, "weights")
    module = torch_module(layers, cell)
    leaves = _leaves(question)
    states = tuple(leaves[name] for name in ("h0", "c0") if name in leaves)
    given = (states if cell == "lstm" else states[0]) if states else None
    y, last = module(leaves["x"], given)
    ends = last if cell == "lstm" else (last,)
    _loss(question, y, *ends).backward()
    return _answer(leaves, y, *ends) | join("grads", gradients(module, len(layers), cell))


def exchange(rng: np.random.Generator, kind: Kind, F: int = 3, M: int = 2) -> Record:
    """An exchange record: state_dict, predictions, and the state_dict after one step of SGD with both biases."""
    net = TwoLayers(kind, F, M)
    question = draw_exchange(rng, {name: tuple(w.shape) for name, w in net.state_dict().items()}, F, M)
    net.load_state_dict({name: _tensor(w) for name, w in part(question, "before").items()})
    predictions = net(_tensor(question["x"]))
    loss = torch.nn.functional.mse_loss(predictions, _tensor(question["y"]))
    optimizer = torch.optim.SGD(net.parameters(), lr=float(question["rate"]))
    loss.backward()
    optimizer.step()
    answer = {"predictions": predictions.detach().numpy(), "loss": np.array(loss.item())}
    return question | answer | {f"after.{name}": w.numpy().copy() for name, w in net.state_dict().items()}


class TwoLayers(torch.nn.Module):
    """Two recurrent layers and a dense one on the last output of each direction."""

    def __init__(self, kind: Kind, F: int, M: int) -> None:
        super().__init__()
        settings = {"proj_size": kind.projection} if kind.projection else {}
        # The names are in the order of the alphabet, in which files keep them.
        self.first = MODULES[kind.cell](
            F, UNITS, 2, batch_first=True, bidirectional=kind.bidirectional, dtype=torch.float64, **settings
        )
        self.ways = 1 + kind.bidirectional
        self.second = torch.nn.Linear((kind.projection or UNITS) * self.ways, M, dtype=torch.float64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, F) -> (B, M)."""
        _, last = self.first(x)
        h = last[0] if isinstance(last, tuple) else last
        return self.second(torch.cat(list(h[-self.ways :]), dim=1))


def peephole_lstm(question: Record) -> Record:
    """Answer for one layer with peepholes: the equations in torch operations, gradients by autograd.

    A diagonal P (Gers & Schmidhuber 2000; Graves 2013) shows the output gate c[t], a full one c[t-1].
    """
    (params,) = split(question, "weights")
    weights = {name: _leaf(value) for name, value in params.items()}
    leaves = _leaves(question)
    H = len(params["Wh"])
    (h,), (c,) = leaves["h0"], leaves["c0"]
    p_i, p_f, p_o = weights["P"].split(H, dim=-1)
    outputs = []
    for x in leaves["x"].unbind(1):
        z_i, z_f, z_o, z_g = (x @ weights["Wx"] + h @ weights["Wh"] + weights["b"]).split(H, dim=1)
        old = c
        if p_i.ndim == 1:
            c = torch.sigmoid(z_f + p_f * old) * old + torch.sigmoid(z_i + p_i * old) * torch.tanh(z_g)
            h = torch.sigmoid(z_o + p_o * c) * torch.tanh(c)
        else:
            c = torch.sigmoid(z_f + old @ p_f) * old + torch.sigmoid(z_i + old @ p_i) * torch.tanh(z_g)
            h = torch.sigmoid(z_o + old @ p_o) * torch.tanh(c)
        outputs.append(h)
    y = torch.stack(outputs, dim=1)
    _loss(question, y, h[None], c[None]).backward()
    grads = {name: weight.grad.numpy() for name, weight in weights.items()}
    return _answer(leaves, y, h[None], c[None]) | join("grads", [grads])


def training(question: Record) -> Record:
    """Answer with torch.optim: one step of SGD, and three of Adam, each from the same start."""
    sgd_rate, adam_rate, epsilon = (float(question[n]) for n in ("sgd_rate", "adam_rate", "epsilon"))
    answer: Record = {}
    for name, steps in (("sgd", 1), ("adam", ADAM_STEPS)):
        net = Net(split(question, "weights"))
        # PyTorch's second bias would take every step a second time.
        own = [p for key, p in net.named_parameters() if "bias_hh" not in key]
        if name == "sgd":
            optimizer = torch.optim.SGD(own, lr=sgd_rate)
        else:
            optimizer = torch.optim.Adam(own, lr=adam_rate, betas=BETAS, eps=epsilon)
        losses = []
        for _ in range(steps):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(net(_tensor(question["x"])), _tensor(question["y"]))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        answer |= join(name, net.layers()) | {f"{name}_loss": np.array(losses)}
    return answer


class Net(torch.nn.Module):
    """LSTM layers and a dense one on the last output."""

    def __init__(self, layers: list[Record]) -> None:
        super().__init__()
        self.lstm = torch_module(layers[:-1], second_bias=False)
        self.out = torch.nn.Linear(*layers[-1]["W"].shape, dtype=torch.float64)
        with torch.no_grad():
            self.out.weight.copy_(_tensor(layers[-1]["W"].T))
            self.out.bias.copy_(_tensor(layers[-1]["b"]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, F) -> (B, M)."""
        return self.out(self.lstm(x)[0][:, -1])

    def layers(self) -> list[Record]:
        """Weights under gatecast's names."""
        weights = [_from_torch(self.lstm, k) for k in range(self.lstm.num_layers)]
        dense = {"W": self.out.weight.detach().numpy().T.copy(), "b": self.out.bias.detach().numpy().copy()}
        return [*weights, dense]


def torch_module(layers: list[Record], cell: str = "lstm", *, second_bias: bool = True) -> torch.nn.RNNBase:
    """PyTorch's module with these weights; a bias that is one is spread over both, or all in the first."""
    F, H = len(layers[0]["Wx"]), layers[0]["Wx"].shape[1] // len(ORDER[cell])
    settings = {"proj_size": layers[0]["Wr"].shape[1]} if "Wr" in layers[0] else {}
    module = MODULES[cell](F, H, len(layers), batch_first=True, dtype=torch.float64, **settings)
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for k, layer in enumerate(layers):
            if cell == "gru":
                first, second = (_ordered(b, cell) for b in layer["b"])
            else:
                b = _ordered(layer["b"], cell)
                second = np.round(rng.normal(size=b.shape) / GRID) * GRID * second_bias
                first = b - second
            values = {"weight_ih": _ordered(layer["Wx"].T, cell), "weight_hh": _ordered(layer["Wh"].T, cell)}
            values |= {"bias_ih": first, "bias_hh": second}
            values |= {"weight_hr": layer["Wr"].T} if "Wr" in layer else {}
            for name, value in values.items():
                getattr(module, f"{name}_l{k}").copy_(_tensor(value))
    return module


def gradients(module: torch.nn.RNNBase, N: int, cell: str) -> list[Record]:
    """Gradients under gatecast's names."""
    found = []
    for k in range(N):
        Wx, Wh, b, second = (_ordered(getattr(module, f"{n}_l{k}").grad.numpy(), cell) for n in NAMES)
        if cell != "gru":
            np.testing.assert_allclose(b, second, rtol=0, atol=1e-12 * np.abs(b).max())
        grads = {"Wx": Wx.T.copy(), "Wh": Wh.T.copy(), "b": np.stack([b, second]) if cell == "gru" else b}
        if hasattr(module, f"weight_hr_l{k}"):
            grads["Wr"] = getattr(module, f"weight_hr_l{k}").grad.numpy().T.copy()
        found.append(grads)
    return found


def _from_torch(module: torch.nn.LSTM, k: int) -> Record:
    """Weights of an LSTM layer under gatecast's names."""
    Wx, Wh, b, second = (_ordered(getattr(module, f"{n}_l{k}").detach().numpy(), "lstm") for n in NAMES)
    return {"Wx": Wx.T.copy(), "Wh": Wh.T.copy(), "b": b + second}


NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def _ordered(rows: Array, cell: str) -> Array:
    """Gates along the first axis from PyTorch's order to gatecast's, or back."""
    parts = np.split(rows, len(ORDER[cell]), axis=0)
    return np.concatenate([parts[k] for k in ORDER[cell]], axis=0)


def _leaves(question: Mapping[str, Array]) -> dict[str, torch.Tensor]:
    """Input and initial states, as leaves that get a gradient."""
    return {name: _leaf(question[name]) for name in ("x", "h0", "c0") if name in question}


def _loss(question: Record, *outputs: torch.Tensor) -> torch.Tensor:
    """The fixed scalar."""
    pairs = zip(outputs, ("gy", "gh", "gc"), strict=False)
    return sum((value * _tensor(question[name])).sum() for value, name in pairs)


def _answer(leaves: dict[str, torch.Tensor], *outputs: torch.Tensor) -> Record:
    """Outputs, and the gradients of the leaves."""
    named = {n: value.detach().numpy().copy() for n, value in zip(("y", "hT", "cT"), outputs, strict=False)}
    return named | {f"d{name}": leaf.grad.numpy() for name, leaf in leaves.items()}


def _tensor(value: Array) -> torch.Tensor:
    """float64."""
    return torch.tensor(np.asarray(value, np.float64))


def _leaf(value: Array) -> torch.Tensor:
    """float64 with a gradient."""
    return _tensor(value).requires_grad_()
