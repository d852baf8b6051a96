"""The page of the driver contract against the contract and its checks: every one, in the words of the code."""

import inspect
import re
from enum import Enum

import pytest

from drivers import contract
from drivers.conformance import Disturbance, DriverConformance
from tests.docs.conftest import ROOT, code, names, table

PAGE = ROOT / "docs/reference/driver-contract.md"


def told(head):
    return {code(row[0])[0]: row[1] for row in table(PAGE, head)}


def checks():
    found = inspect.getmembers(DriverConformance, inspect.isfunction)
    return {name: words(method) for name, method in found if name.startswith("test_")}


def words(thing):
    """The docstring's text on one line, as the page has it."""
    return re.sub(r"``(\w+)``", r"`\1`", " ".join(inspect.getdoc(thing).split())).removesuffix(".")


def test_every_conformance_check_is_listed_with_what_it_asks_for():
    assert told("Check") == checks()


def test_every_disturbance_is_listed():
    assert told("Disturbance") == {one.name: one.value for one in Disturbance}


def test_every_method_of_a_driver_is_listed():
    assert names(table(PAGE, "Method")) == [name for name in vars(contract.Driver) if not name.startswith("_")]


def test_every_error_is_listed():
    errors = [one for one in vars(contract).values() if inspect.isclass(one) and issubclass(one, contract.DriverError)]
    assert names(table(PAGE, "Error")) == [one.__name__ for one in errors if one is not contract.DriverError]


@pytest.mark.parametrize(("head", "words"), [("Quality", contract.Quality), ("State of a write", contract.WriteState)])
def test_every_word_is_listed(head: str, words: type[Enum]):
    assert names(table(PAGE, head)) == [one.name for one in words]
