import pytest

from sweeper.errors import InputError
from sweeper.tasks.disk import writing


def test_a_disk_that_refuses_is_bad_input(tmp_path):
    with (
        pytest.raises(InputError, match=r"No space left on device.*SWEEPER_CACHE"),
        writing(tmp_path),
    ):
        raise OSError(28, "No space left on device")
