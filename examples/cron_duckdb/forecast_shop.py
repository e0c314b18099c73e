"""Forecast a table of a DuckDB file every night, and keep every forecast.

Run it with a database of make_shop.py: python forecast_shop.py shop.duckdb     (`crontab` starts it every night)

Three things make it fit for that:

1. It may run twice, or again after a crash: a run replaces the forecasts from its own last day, in one transaction.
2. It keeps what it forecast, so that every run scores the past ones on days that have come since: how many values lay
   in the 80 % interval, and the error next to that of the naive forecast, "as on the same day a week ago".
3. The pretrained network needs no training, so there is nothing to store but the forecasts.
"""

import sys

import duckdb
import numpy as np

import gatecast as gc

H, LEVEL = 7, 80

TABLE = """CREATE TABLE IF NOT EXISTS forecasts
(made_after DATE, shop TEXT, day DATE, forecast DOUBLE, low DOUBLE, high DOUBLE, naive DOUBLE,
PRIMARY KEY (made_after, shop, day))"""

# Only days that have come since count, and only what was forecast before them.
SCORE = """SELECT count(*), avg(abs(s.sales - f.forecast)), avg(abs(s.sales - f.naive)),
100 * avg((s.sales BETWEEN f.low AND f.high)::INT) FROM forecasts f JOIN sales s USING (shop, day)"""


def main():
    database = sys.argv[1]
    # Read first: DuckDB lets one process write at a time, and none read meanwhile.
    table = gc.Forecaster(H, model="pretrained", level=LEVEL).predict(f"{database}::sales", output="dict")
    columns = [
        table[name] for name in ("shop", "day", "Pretrained", f"Pretrained-lo-{LEVEL}", f"Pretrained-hi-{LEVEL}")
    ]
    rows = [(shop, str(day)[:10], *values) for shop, day, *values in zip(*map(list, columns), strict=True)]
    # The last day that the forecast has seen; the table may have a newer one by now.
    last_day = str(np.min(table["day"]).astype("M8[D]") - 1)
    with duckdb.connect(database) as connection:
        connection.execute("BEGIN")
        connection.execute(TABLE)
        connection.execute("DELETE FROM forecasts WHERE made_after = ?", [last_day])
        # The naive forecast is a subquery: the sales of seven days before the day that is forecast.
        connection.executemany(
            "INSERT INTO forecasts SELECT ?, ?, ?, ?, ?, ?, "
            "(SELECT sales FROM sales WHERE shop = ? AND day = ?::DATE - 7)",
            [(last_day, shop, day, *map(float, values), shop, day) for shop, day, *values in rows],
        )
        connection.execute("COMMIT")
        n, error, naive, coverage = connection.execute(SCORE).fetchone()
    print(f"{len(rows)} forecasts after {last_day}")
    if n:
        print(f"{n} past forecasts: mean absolute error {error:.2f}, naive {naive:.2f}")
        print(f"{coverage:.0f} % of the values were in the {LEVEL} % interval")


main()
