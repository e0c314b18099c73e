"""Time PyTorch: forward, backward and fused Adam. usage: torch_side.py THREADS."""

import sys

import torch
from article import CASES, RATE, UNITS, median_ms, report


class Net(torch.nn.Module):
    """The article's network."""

    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(1, UNITS, 3, dropout=RATE, batch_first=True)
        self.drop, self.out = torch.nn.Dropout(RATE), torch.nn.Linear(UNITS, 1)

    def forward(self, x):
        """(B, T, 1) -> (B, 1)."""
        return self.out(self.drop(self.lstm(x)[0][:, -1]))


def main():
    torch.set_num_threads(int(sys.argv[1]))
    for B, T in CASES:
        torch.manual_seed(0)
        net, x, y = Net(), torch.randn(B, T, 1), torch.randn(B, 1)
        optimizer = torch.optim.Adam(net.parameters(), fused=True)

        def step(net=net, x=x, y=y, optimizer=optimizer):
            optimizer.zero_grad()
            ((net(x) - y) ** 2).mean().backward()
            optimizer.step()

        report("torch", "step", B, T, median_ms(step), version=torch.__version__)


main()
