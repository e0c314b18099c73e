"""Make or extend the database that the recipe forecasts.

Run it: python make_shop.py shop.duckdb [LAST_DAY]

Sales of three shops a day, up to LAST_DAY, from a fixed seed: a later day adds rows and changes none.
"""

import sys

import duckdb
import numpy as np

START = np.datetime64("2024-01-01")


def sales(last_day):
    """Return the columns shop, day and sales up to a day."""
    # Drawn for ten years, so that a day has the same sales whenever it is asked for.
    noise = np.random.default_rng(7).normal(0, 0.1, (3, 3653))
    days = np.arange(START, last_day + 1)
    weekday = (days.astype(int) + 3) % 7
    week = 1 + 0.3 * np.isin(weekday, (4, 5)) - 0.4 * (weekday == 6)
    values = np.array([[80.0], [120.0], [40.0]]) * week * np.exp(noise[:, : len(days)])
    return np.repeat(["north", "south", "west"], len(days)), np.tile(days, 3), values.round().ravel()


def main():
    database = sys.argv[1]
    last_day = np.datetime64(sys.argv[2]) if len(sys.argv) > 2 else np.datetime64("2025-03-31")
    shop, day, values = sales(last_day)
    with duckdb.connect(database) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS sales (shop TEXT, day DATE, sales DOUBLE, PRIMARY KEY (shop, day))"
        )
        columns = [shop.tolist(), day.astype("M8[D]").tolist(), values.tolist()]
        connection.execute("INSERT OR IGNORE INTO sales SELECT unnest(?), unnest(?), unnest(?)", columns)
        n = connection.execute("SELECT count(*) FROM sales").fetchone()[0]
    print(f"{n:,} rows up to {last_day}")


main()
