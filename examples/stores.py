# %% [markdown]
# # 200 stores with promotions and holidays
#
# Daily sales of 200 stores: what do promotions and public holidays explain, and do the intervals hold what they say?
# The data are made from a seed, so the truth is known: a promotion lifts the sales of a store by 30 to 80 %, and on a
# public holiday they sell next to nothing. The forecast is for the two weeks of Christmas, which no model has seen.
#
# Needs `pip install 'gatecast[holidays]'`.

# %%
import holidays
import numpy as np

import gatecast as gc
from gatecast.config import DataConfig

H, N_STORES = 14, 200
days = np.arange(np.datetime64("2023-06-01"), np.datetime64("2024-12-30"))
n = len(days) - H  # days that the model sees
rng = np.random.default_rng(1)

# %% [markdown]
# ## The data
#
# Each store has its own level, week and lift. Fridays and Saturdays are strong, Sundays weak.

# %%
weekday = (days.astype(int) + 3) % 7
week = 1 + 0.25 * np.isin(weekday, (4, 5)) - 0.3 * (weekday == 6)
calendar = holidays.country_holidays("DE", years=[2023, 2024])
is_holiday = np.array([day.item() in calendar for day in days])
level, lift = np.exp(rng.normal(4, 0.5, N_STORES)), rng.uniform(1.3, 1.8, N_STORES)
promo = rng.random((N_STORES, len(days))) < 0.12
sales = level[:, None] * week * np.where(promo, lift[:, None], 1) * np.where(is_holiday, 0.2, 1)
sales = np.round(sales * np.exp(rng.normal(0, 0.12, sales.shape)))

stores = np.array([f"store {k:03}" for k in range(N_STORES)])


def table(first, last, *, with_sales=True):
    """Return the rows of all stores from one day to another."""
    columns = {"store": np.repeat(stores, last - first), "day": np.tile(days[first:last], N_STORES)}
    if with_sales:
        columns["sales"] = sales[:, first:last].ravel()
    return columns | {"promo": promo[:, first:last].ravel().astype(int)}


past, future = table(0, n), table(n, n + H, with_sales=False)
actual = sales[:, n:].ravel()
print(f"{N_STORES} stores, {n} days; to forecast: {days[n]} to {days[-1]}")

# %% [markdown]
# ## Three forecasts
#
# The pretrained network needs no training. `futr_exog` names the columns that are known for the two weeks too: the
# promotions are planned. `holidays` computes its columns from the calendar. A regression removes what they explain, for
# each store, before the network reads the series.

# %%
columns = {"id_col": "store", "time_col": "day", "target_col": "sales"}
settings = {
    "neither": DataConfig(),
    "promotions": DataConfig(futr_exog=("promo",)),
    "promotions and holidays": DataConfig(futr_exog=("promo",), holidays=("DE",)),
}
forecasts = {}
for name, data in settings.items():
    forecaster = gc.Forecaster(H, model="pretrained", level=(80, 95), data=data, **columns)
    forecaster.fit(past, evaluate=False, progress=False)
    forecasts[name] = forecaster.predict(futr_df=future if data.futr_exog else None, output="dict")

# %% [markdown]
# ## How good are they?
#
# On the two weeks that no model has seen, next to the seasonal naive forecast, "as on the same weekday a week ago",
# with the share of the values that the intervals hold. Christmas is the hard case: without its calendar, no forecast
# knows of it.

# %%
naive = np.tile(sales[:, n - 7 : n], 2).ravel()
print(f"{'':24} mean absolute error  in 80 %  in 95 %")
print(f"{'seasonal naive':24} {np.abs(actual - naive).mean():19.2f}")
for name, forecast in forecasts.items():
    error = np.abs(actual - forecast["Pretrained"]).mean()
    inside = [
        np.mean((actual >= forecast[f"Pretrained-lo-{p}"]) & (actual <= forecast[f"Pretrained-hi-{p}"]))
        for p in (80, 95)
    ]
    print(f"{name:24} {error:19.2f}  {inside[0]:7.0%}  {inside[1]:7.0%}")

# %% [markdown]
# The holidays matter most here because the two weeks have two of them, on which nearly nothing is sold. Intervals are
# for usual days: where they hold less than they say, as without the calendar, the model lacks something that matters.
#
# ## One store
#
# The day before Christmas is a usual day, the next two are holidays.

# %%
chosen = forecasts["promotions and holidays"]
of_store = chosen["store"] == stores[7]
for k in np.flatnonzero(of_store):
    row = [chosen[f"Pretrained{end}"][k] for end in ("", "-lo-80", "-hi-80")]
    mark = " promotion" if future["promo"][k] else ""
    mark += " holiday" if is_holiday[n + k % H] else ""
    print(f"{str(chosen['day'][k])[:10]}  {row[0]:6.1f}  ({row[1]:.1f} to {row[2]:.1f})  actual {actual[k]:.0f}{mark}")
