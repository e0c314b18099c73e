"""A folder of tables for the tools of language models, and clients of the real server."""

from __future__ import annotations

import asyncio
import os
import sys

import numpy as np

MONTHS = np.datetime_as_string(np.datetime64("2015-01") + np.arange(72)).tolist()
SALES = [round(200 + k + 40 * np.sin(k * np.pi / 6), 2) for k in range(72)]
TABLE = {"ds": MONTHS, "y": SALES}


def fill(folder):
    """Write the tables that tests read: a series, thirty shops, promotions and their future, no table."""
    lines = [f"{month},{sale}" for month, sale in zip(MONTHS, SALES, strict=True)]
    (folder / "sales.csv").write_text("\n".join(["month,sales", *lines]), encoding="utf-8")
    shops = [f"shop{k:02},{month},{sale + k}" for k in range(30) for month, sale in zip(MONTHS, SALES, strict=True)]
    (folder / "shops.csv").write_text("\n".join(["shop,month,sales", *shops]), encoding="utf-8")
    promotions = [f"{line},{k % 5 == 0:d}" for k, line in enumerate(lines)]
    (folder / "promotions.csv").write_text("\n".join(["month,sales,promo", *promotions]), encoding="utf-8")
    (folder / "future.csv").write_text("month,promo\n2021-01,1\n2021-02,0\n2021-03,0\n", encoding="utf-8")
    (folder / "words.csv").write_text("hello;world\nfoo;bar\n", encoding="utf-8")
    return folder


def session(folder, scenario, *options):
    """Run a coroutine with a client of `gatecast mcp`, a process of its own that is spoken to over its pipes."""
    from mcp.client import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    environment = {name: value for name, value in os.environ.items() if name != "GATECAST_TRUSTED"}
    arguments = ["-m", "gatecast", "mcp", "--folder", str(folder), *options]
    parameters = StdioServerParameters(command=sys.executable, args=arguments, env=environment)

    async def main():
        with open(os.devnull, "w", encoding="utf-8") as log:
            async with Client(stdio_client(parameters, errlog=log)) as client:
                return await scenario(client)

    return asyncio.run(main())
