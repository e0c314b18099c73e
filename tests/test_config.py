"""Settings records: what they take and what they refuse."""

import pytest

import gatecast as gc
from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError


@pytest.mark.parametrize(
    ("make", "facts"),
    [
        (lambda: DataConfig(lower_bound=3, upper_bound=1), ["lower_bound", "3", "upper_bound", "1"]),
        (lambda: DataConfig(upper_bound=float("nan")), ["upper_bound", "nan"]),
        (lambda: DataConfig(futr_exog=3), ["futr_exog", "3"]),
        (lambda: gc.Forecaster(data="price"), ["data", "'price'", "DataConfig"]),
        (lambda: NetworkConfig(dropout=1), ["dropout", "1", "from 0"]),
        (lambda: NetworkConfig(units=0), ["units", "0"]),
        (lambda: TrainingConfig(max_steps=0), ["max_steps", "0"]),
        (lambda: TrainingConfig(learning_rate=-1), ["rate", "-1"]),
    ],
)
def test_config_invalid_setting_raises(make, facts):
    with pytest.raises(ConfigError) as caught:
        make()
    for fact in facts:
        assert fact in str(caught.value)


@pytest.mark.parametrize("holidays", ["DE, us-ca", ("DE", "US-CA"), ["de", " US-CA", "DE"]])
def test_data_config_holidays_are_codes(holidays):
    assert DataConfig(holidays=holidays).holidays == ("DE", "US-CA")
    assert DataConfig(holidays="").holidays == DataConfig().holidays == ()


@pytest.mark.parametrize("holidays", [3, None, [1], ["DE", ""], True])
def test_data_config_invalid_holidays_raise(holidays):
    with pytest.raises(ConfigError, match=r"^Invalid holidays .* expected the code of a country, such as 'DE'"):
        DataConfig(holidays=holidays)


@pytest.mark.parametrize("name", ["integer", "keep_last", "keep_outliers"])
def test_data_config_flag_that_is_a_number_is_refused(name):
    with pytest.raises(ConfigError, match=f"Invalid {name} 30 .*expected True or False"):
        DataConfig(**{name: 30})
