"""One supervisor per data directory."""

import os

import pytest

from controller.composition.lease import Lease, LeaseTaken


def test_second_supervisor_is_refused_and_told_who_holds_the_directory(tmp_path):
    first = Lease(tmp_path)
    with pytest.raises(LeaseTaken, match=str(os.getpid())):
        Lease(tmp_path)
    first.release()
    Lease(tmp_path).release()
