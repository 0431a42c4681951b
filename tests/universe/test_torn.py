"""Files that end in half a commit: what was whole is there, and the rest is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.universe.pieces import ends_of, kept

from batos.universe.universe import open_universe


@pytest.mark.parametrize("missing_bytes", [1, 8, 9, 50, 100, 150])
def test_a_commit_that_was_killed_is_as_if_it_had_never_begun(
    long_path: Path, missing_bytes: int
) -> None:
    data = (long_path / "Data.fs").read_bytes()
    (long_path / "Data.fs").write_bytes(data[:-missing_bytes])

    universe = open_universe(long_path)

    with universe.transaction() as root:
        assert root["account"].n == 11
        root["account"].n = 13
    assert [moment.note for moment in universe.log(2)] == ["", "count to 11"]
    universe.close()


@pytest.mark.parametrize("filled_with_zeros", [False, True])
@pytest.mark.parametrize("with_index", [False, True])
def test_a_file_torn_anywhere_opens_before_the_tear_and_its_rest_is_kept(
    long_path: Path, with_index: bool, filled_with_zeros: bool
) -> None:
    open_universe(long_path).close()
    data, index = (long_path / "Data.fs").read_bytes(), long_path / "Data.fs.index"
    saved_index = index.read_bytes()
    ends = ends_of(data)
    birth = ends[1]  # the first transaction is an empty root
    for at in [*range(birth, len(data), 61), *range(len(data) - 60, len(data))]:
        torn = data[:at] + bytes(len(data) - at if filled_with_zeros else 0)
        (long_path / "Data.fs").write_bytes(torn)
        index.unlink(missing_ok=True)
        if with_index:
            index.write_bytes(saved_index)

        open_universe(long_path).close()

        left = (long_path / "Data.fs").read_bytes()
        assert len(left) == max(end for end in ends if end <= at)
        assert left + kept(long_path) == torn


def test_zeros_behind_a_whole_file_are_kept_and_cut_off(long_path: Path) -> None:
    data = (long_path / "Data.fs").read_bytes()
    (long_path / "Data.fs").write_bytes(data + bytes(4096))

    open_universe(long_path).close()

    assert (long_path / "Data.fs").read_bytes() == data
    assert kept(long_path) == bytes(4096)


def test_a_torn_end_is_told(long_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = (long_path / "Data.fs").read_bytes()
    (long_path / "Data.fs").write_bytes(data[:-10])

    open_universe(long_path).close()

    assert "ended in a commit that was not finished" in caplog.text
    assert "now kept in Data.fs.tr0" in caplog.text


def test_a_torn_end_is_only_read_past_by_a_reader(long_path: Path) -> None:
    data = (long_path / "Data.fs").read_bytes()
    (long_path / "Data.fs").write_bytes(data[:-10])

    reader = open_universe(long_path, read_only=True)

    with reader.transaction() as root:
        assert root["account"].n == 11
    reader.close()
    assert (long_path / "Data.fs").read_bytes() == data[:-10]
    assert kept(long_path) == b""
