"""Panels and forecasters that the tests of the pipeline share; tests only read them."""

from __future__ import annotations

import numpy as np
import pytest
from panel_cases import N_MONTHS, QUICK, SHOP_COLUMNS, Table, monthly, only_sales, ragged_panel, shop_sales

from gatecast.config import DataConfig
from gatecast.data import synthetic
from gatecast.forecaster import Forecaster


@pytest.fixture(scope="session")
def shops() -> Table:
    """All months of the shops, exogenous columns included."""
    return shop_sales()


@pytest.fixture(scope="session")
def past_shops() -> Table:
    """All but the last six months of the shops."""
    return shop_sales(N_MONTHS - 6)


@pytest.fixture(scope="session")
def fitted_shops(past_shops: Table) -> Forecaster:
    """Fitted on sales alone, six months ahead."""
    return Forecaster(6, **SHOP_COLUMNS, **QUICK).fit(only_sales(past_shops))


@pytest.fixture(scope="session")
def fitted_with_promo(past_shops: Table) -> Forecaster:
    """Fitted with a column of each kind."""
    data = DataConfig(futr_exog="promo", stat_exog="kind", hist_exog="visitors")
    return Forecaster(6, data=data, **SHOP_COLUMNS, **QUICK).fit(past_shops)


@pytest.fixture(scope="session")
def panel_table() -> Table:
    """24 series of 2 to 69 months."""
    lengths = [60, 2, 17, 3, *np.random.default_rng(0).integers(40, 70, 20).tolist()]
    return ragged_panel(lengths)


@pytest.fixture(scope="session")
def fitted_panel(panel_table: Table) -> Forecaster:
    """Fitted on these series, four months ahead."""
    return Forecaster(4, **QUICK).fit(panel_table)


@pytest.fixture(scope="session")
def sales() -> np.ndarray:
    """Values of one series with trend and season."""
    return synthetic.trend_season(np.random.default_rng(3), 132)


@pytest.fixture(scope="session")
def fitted_series(sales: np.ndarray) -> Forecaster:
    """Fitted on this series, twelve months ahead."""
    return Forecaster(12, **QUICK).fit(monthly(sales))
