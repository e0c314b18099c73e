"""Fixtures of kernel tests."""

import pytest

from gatecast.kernels import native


@pytest.fixture(params=native.available_isas())
def every_isa(request):
    """Run a test on every instruction-set level of this machine."""
    before = native.isa()
    native.set_isa(request.param)
    yield request.param
    native.set_isa(before)
