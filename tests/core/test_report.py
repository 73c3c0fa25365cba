"""The values a report is made of."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from core.report import Table, table_of_csv, versions
from core.tables import write_csv


def test_a_table_is_as_wide_as_its_header() -> None:
    with pytest.raises(ValueError, match="2 cells"):
        Table(("a", "b"), (("1", "2"), ("3",)))
    with pytest.raises(ValueError):
        Table((), ())


def test_a_csv_becomes_a_table_with_short_numbers() -> None:
    table = table_of_csv(write_csv(["name", "value"], [["x,y", -0.123456789], ["z", 12], ["w", "1e400"]]), caption="c")
    assert table is not None
    assert table.header == ("name", "value") and table.caption == "c"
    assert table.rows == (("x,y", "-0.12346"), ("z", "12"), ("w", "1e400"))


@pytest.mark.parametrize("rows", [0, 61])
def test_an_empty_or_a_long_csv_becomes_none(rows: int) -> None:
    assert table_of_csv(write_csv(["a"], [[k] for k in range(rows)])) is None


def test_a_wide_csv_becomes_none() -> None:
    assert table_of_csv(write_csv(["a"] * 18, [[1] * 18])) is not None
    assert table_of_csv(write_csv(["a"] * 19, [[1] * 19])) is None


def test_versions_are_those_installed() -> None:
    assert versions()["torch"] == version("torch") and "python" in versions()
