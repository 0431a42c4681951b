"""What a program can do with universes that are closed, or opened elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

import batos
from batos.errors import BackupMissing, Damaged, NotInFolder, UniverseExists, UniverseMissing


def test_an_open_universe_is_backed_up_verified_and_made_again(
    universe_path: Path, tmp_path: Path
) -> None:
    with batos.open(universe_path) as universe:
        with universe.transaction("begin") as root:
            root["account"] = root["genesis_obj"].clone(balance=100)
        taken = universe.backup(tmp_path / "backups")
        assert universe.verify() == batos.verify(universe_path)

    made = batos.recover(tmp_path / "backups", tmp_path / "again.universe", taken.tid)

    assert made.tid == taken.tid
    assert (
        batos.verify(str(tmp_path / "again.universe")).objects
        == batos.verify(tmp_path / "backups").objects
    )
    with batos.open(tmp_path / "again.universe") as again, again.transaction() as root:
        assert root["account"].balance == 100


def test_what_is_not_there_or_there_already_is_told(
    universe_path: Path, tmp_path: Path
) -> None:
    with pytest.raises(UniverseMissing):
        batos.verify(tmp_path / "none")
    with pytest.raises(BackupMissing):
        batos.recover(tmp_path / "none", tmp_path / "new")
    with batos.open(universe_path) as universe:
        universe.backup(tmp_path / "backups")
    with pytest.raises(UniverseExists):
        batos.recover(tmp_path / "backups", universe_path)


def test_damage_is_an_error_with_every_problem(universe_path: Path) -> None:
    data = (universe_path / "Data.fs").read_bytes()
    (universe_path / "Data.fs").write_bytes(data.replace(b"UvmObject", b"OldObject"))

    with pytest.raises(Damaged) as found:
        batos.verify(universe_path)

    assert len(found.value.problems) > 3


def test_a_uri_has_no_files_to_be_verified_or_recovered(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/u"
    with pytest.raises(NotInFolder, match="Only a universe in a folder"):
        batos.verify(address)
    with pytest.raises(NotInFolder, match="Only a universe in a folder"):
        batos.recover(tmp_path, address)
