# %% [markdown]
# # Hourly load with temperature
#
# The load of a small grid, an hour at a time: a day and a week, and heating when it is cold. The data are made from a
# seed, so the truth is known: below 15 degrees each degree adds 2 MW. The temperature of the two days to forecast comes
# from a weather forecast, which errs too: the notebook uses one with an error, as you would have it.

# %%
import numpy as np

import gatecast as gc

H, N_DAYS = 48, 120
rng = np.random.default_rng(2)
hours = np.datetime64("2024-10-01T00") + np.arange(24 * N_DAYS + H)
n = 24 * N_DAYS

# %% [markdown]
# ## The data
#
# Temperature: a slow fall into winter, the day, and weather that lasts for days. Load: a base, the day with a morning
# and an evening peak, quiet weekends, and heating.

# %%
t = np.arange(len(hours))
weather = np.zeros(len(t))
for k in range(1, len(t)):
    weather[k] = 0.985 * weather[k - 1] + rng.normal(0, 0.6)
temperature = 12 - 10 * t / len(t) + 3 * np.sin(2 * np.pi * (t - 9) / 24) + weather

hour, weekday = t % 24, (hours.astype("M8[D]").astype(int) + 3) % 7
day = 12 * np.exp(-(((hour - 9) / 3) ** 2)) + 16 * np.exp(-(((hour - 19) / 3) ** 2))
heating = 2 * np.maximum(15 - temperature, 0)
load = 60 + day * np.where(weekday >= 5, 0.6, 1) - 8 * (weekday >= 5) + heating + rng.normal(0, 1.5, len(t))

# The forecast of the weather: right on average, and worse the farther ahead.
foreseen = temperature[n:] + np.cumsum(rng.normal(0, 0.15, H))
print(f"{n} hours of load, from {load.min():.0f} to {load.max():.0f} MW; {H} hours to forecast")

# %% [markdown]
# ## Heating degrees
#
# A regression takes the effect of a column to be a straight line, and heating begins at 15 degrees. So the column is
# not the temperature but the degrees below 15. Knowing such a thing is worth more than a larger network.


# %%
def table(first, last, degrees, *, with_load=True):
    """Return hours with their heating degrees, and the load where it is known."""
    columns = {"hour": hours[first:last], "degrees": np.maximum(15 - degrees, 0)}
    return columns | ({"load": load[first:last]} if with_load else {})


past, future = table(0, n, temperature[:n]), table(n, n + H, foreseen, with_load=False)
forecasts = {}
for name, futr_exog in (("load alone", ()), ("load and temperature", ("degrees",))):
    forecaster = gc.Forecaster(
        H, model="pretrained", level=(80, 95), time_col="hour", target_col="load", futr_exog=futr_exog
    )
    forecaster.fit(past, progress=False)
    forecasts[name] = forecaster.predict(futr_df=future if futr_exog else None, output="dict")
    print(f"{name}: {forecaster.evaluation_.verdict}")

# %% [markdown]
# ## Two days that no model has seen
#
# Next to the seasonal naive forecasts, "as yesterday" and "as a week ago". The intervals of the second forecast were
# measured with the temperature as it came, not as it was foreseen: they leave out the error of the weather forecast.
# Keep the weather forecasts of the past, and train with those, if that error matters. The intervals of the load alone
# hold everything because they are wide enough for any weather: coverage is worth something only next to the error.

# %%
actual = load[n:]
print(f"{'':22} mean absolute error  in 80 %  in 95 %")
for name, lag in (("as yesterday", 24), ("as a week ago", 168)):
    naive = np.resize(load[n - lag : n], H)
    print(f"{name:22} {np.abs(actual - naive).mean():16.2f} MW")
for name, forecast in forecasts.items():
    error = np.abs(actual - forecast["Pretrained"]).mean()
    inside = [
        np.mean((actual >= forecast[f"Pretrained-lo-{p}"]) & (actual <= forecast[f"Pretrained-hi-{p}"]))
        for p in (80, 95)
    ]
    print(f"{name:22} {error:16.2f} MW  {inside[0]:7.0%}  {inside[1]:7.0%}")
