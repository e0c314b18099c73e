import errno

import pytest

from gatecast._utils.memory import is_out_of_memory


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (OSError(errno.ENOENT, "No such file"), False),
        (ImportError("a.so: failed to map segment from shared object"), True),
        (ImportError("a.so: cannot allocate memory in static TLS block"), True),
        (ModuleNotFoundError("No module named 'numpy'"), False),
        (ValueError("failed to map segment"), False),
    ],
    ids=str,
)
def test_errors_that_say_that_there_is_no_more_memory(error, expected):
    assert is_out_of_memory(error) is expected
