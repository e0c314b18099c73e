"""PyTorch as a witness, in float64: its own LSTM, peepholes in plain operations, and its optimisers.

Letters: N layers, B batch, T time, F features, H hidden. Questions and answers are records of `witnesses`.
PyTorch's gate order is i, f, g, o along the first axis, and it has two biases that are added up.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from witnesses import ADAM_STEPS, BETAS, GRID, Array, Record, join, split

IFGO = (0, 1, 3, 2)
"""Where PyTorch's gates stand among i, f, o, g; the permutation is its own inverse."""


def lstm(question: Record) -> Record:
    """Answer with torch.nn.LSTM: several layers, no peepholes, no mask."""
    stack = split(question, "weights")
    module = torch_lstm(stack)
    leaves = _leaves(question)
    states = (leaves["h0"], leaves["c0"]) if "h0" in leaves else None
    y, (hT, cT) = module(leaves["x"], states)
    _loss(question, y, hT, cT).backward()
    return _answer(y, hT, cT, leaves) | join("grads", gradients(module, len(stack)))


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
    return _answer(y, h[None], c[None], leaves) | join("grads", [grads])


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
        self.lstm = torch_lstm(layers[:-1], second_bias=False)
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


def torch_lstm(layers: list[Record], *, second_bias: bool = True) -> torch.nn.LSTM:
    """PyTorch's module with these weights; the bias is spread over both of its own, or all in the first."""
    F, H = len(layers[0]["Wx"]), len(layers[0]["Wh"])
    module = torch.nn.LSTM(F, H, len(layers), batch_first=True, dtype=torch.float64)
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for k, layer in enumerate(layers):
            b = _ifgo(layer["b"])
            second = np.round(rng.normal(size=b.shape) / GRID) * GRID * second_bias
            values = {"weight_ih": _ifgo(layer["Wx"].T), "weight_hh": _ifgo(layer["Wh"].T)}
            values |= {"bias_ih": b - second, "bias_hh": second}
            for name, value in values.items():
                getattr(module, f"{name}_l{k}").copy_(_tensor(value))
    return module


def gradients(module: torch.nn.LSTM, N: int) -> list[Record]:
    """Gradients under gatecast's names."""
    found = []
    for k in range(N):
        Wx, Wh, b, second = (
            _ifgo(getattr(module, f"{n}_l{k}").grad.numpy()) for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        np.testing.assert_allclose(b, second, rtol=0, atol=1e-12 * np.abs(b).max())
        found.append({"Wx": Wx.T.copy(), "Wh": Wh.T.copy(), "b": b})
    return found


def _from_torch(module: torch.nn.LSTM, k: int) -> Record:
    """Weights of a layer under gatecast's names."""
    Wx, Wh, b, second = (
        _ifgo(getattr(module, f"{n}_l{k}").detach().numpy()) for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    return {"Wx": Wx.T.copy(), "Wh": Wh.T.copy(), "b": b + second}


def _ifgo(rows: Array) -> Array:
    """Gates along the first axis from i, f, o, g to i, f, g, o, or back."""
    parts = np.split(rows, 4, axis=0)
    return np.concatenate([parts[k] for k in IFGO], axis=0)


def _leaves(question: Mapping[str, Array]) -> dict[str, torch.Tensor]:
    """Input and initial states, as leaves that get a gradient."""
    return {name: _leaf(question[name]) for name in ("x", "h0", "c0") if name in question}


def _loss(question: Record, y: torch.Tensor, hT: torch.Tensor, cT: torch.Tensor) -> torch.Tensor:
    """The fixed scalar."""
    pairs = ((y, "gy"), (hT, "gh"), (cT, "gc"))
    return sum((value * _tensor(question[name])).sum() for value, name in pairs)


def _answer(y: torch.Tensor, hT: torch.Tensor, cT: torch.Tensor, leaves: dict[str, torch.Tensor]) -> Record:
    """Outputs, and the gradients of the leaves."""
    outputs = {name: value.detach().numpy().copy() for name, value in (("y", y), ("hT", hT), ("cT", cT))}
    return outputs | {f"d{name}": leaf.grad.numpy() for name, leaf in leaves.items()}


def _tensor(value: Array) -> torch.Tensor:
    """float64."""
    return torch.tensor(np.asarray(value, np.float64))


def _leaf(value: Array) -> torch.Tensor:
    """float64 with a gradient."""
    return _tensor(value).requires_grad_()
