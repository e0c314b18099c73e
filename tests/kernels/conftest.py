"""Fixtures of kernel tests."""

import pytest

from gatecast.kernels import runtime


@pytest.fixture(params=runtime.available_isas())
def every_isa(request):
    """Run a test on every instruction-set level of this machine."""
    before = runtime.isa()
    runtime.set_isa(request.param)
    yield request.param
    runtime.set_isa(before)
