"""One supervisor per data directory."""

import os
import threading

import pytest

from controller.composition.lease import Lease, LeaseTaken, holder_of


def test_second_supervisor_is_refused_and_told_who_holds_the_directory(tmp_path):
    first = Lease(tmp_path)
    with pytest.raises(LeaseTaken, match=str(os.getpid())):
        Lease(tmp_path)
    first.release()
    Lease(tmp_path).release()


def test_who_only_looks_keeps_no_supervisor_from_starting(tmp_path):
    Lease(tmp_path).release()
    over, looks = threading.Event(), []

    def look():
        while not over.is_set():
            looks.append(holder_of(tmp_path))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(300):
            Lease(tmp_path).release()
    finally:
        over.set()
        looking.join()
    assert {None} <= {*looks}


def test_looking_makes_nothing_and_needs_no_right_to_write(tmp_path):
    assert holder_of(tmp_path / "data") is None
    assert not (tmp_path / "data").exists()
    held = Lease(tmp_path)
    (tmp_path / "lease").chmod(0o444)
    found = holder_of(tmp_path)
    assert found is not None
    assert found.by.startswith(f"process {os.getpid()}, since ")
    held.release()
    assert holder_of(tmp_path) is None
