"""A blob has no digest of its own; the mind's card has one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from batos.errors import BackupFailed, Damaged
from batos.universe import backup
from batos.universe.backup import back_up
from batos.universe.blobs import import_weights, path_of
from batos.universe.universe import open_universe
from batos.universe.verifying import verify


def test_weights_that_are_not_what_their_card_says_are_found(universe_path: Path) -> None:
    verify(universe_path)
    damage(universe_path)

    with pytest.raises(Damaged, match="the weights of pLLM_obj have another SHA-256"):
        verify(universe_path)


def damage(path: Path) -> Path:
    """Change a byte of the mind's weights; return their file."""
    universe = open_universe(path)
    with universe.transaction() as root:
        weights = path_of(root["pLLM_obj"].model_blob)
    universe.close()
    weights.chmod(0o600)
    weights.write_bytes(b"X" + weights.read_bytes()[1:])
    return weights


def test_damaged_weights_are_not_backed_up_as_if_they_were_whole(
    universe_path: Path, tmp_path: Path
) -> None:
    weights = damage(universe_path)
    right = b"n" + weights.read_bytes()[1:]

    with pytest.raises(BackupFailed, match=rf"{weights.name} are damaged.*earlier backup"):
        back_up(universe_path, tmp_path / "backups")

    assert not list((tmp_path / "backups").rglob("*.blob"))
    weights.write_bytes(right)
    assert back_up(universe_path, tmp_path / "backups").blobs == 1
    verify(tmp_path / "backups")


def test_weights_that_were_damaged_later_do_not_spoil_what_is_backed_up(
    universe_path: Path, tmp_path: Path
) -> None:
    back_up(universe_path, tmp_path / "backups")
    damage(universe_path)

    back_up(universe_path, tmp_path / "backups")

    verify(tmp_path / "backups")


def test_damaged_weights_that_a_backup_took_unseen_are_found_in_it(
    universe_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(universe_path)
    with monkeypatch.context() as before:
        before.setattr(backup, "MARKS", ())  # as an earlier version did
        back_up(universe_path, tmp_path / "backups")

    with pytest.raises(Damaged, match="generation 1: the weights of pLLM_obj have another"):
        verify(tmp_path / "backups")


def test_weights_that_were_replaced_together_with_their_card_are_backed_up(
    universe_path: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    new.write_bytes(b"other weights")
    universe = open_universe(universe_path)
    with universe.transaction() as root:
        jar = root._p_jar  # type: ignore[attr-defined]
        mind = root["pLLM_v2"] = root["traits_obj"].clone()
        mind.model_blob = import_weights(jar, new, lambda *_: None)
        mind.card = {"sha256": hashlib.sha256(b"other weights").hexdigest()}
    with universe.transaction() as root:
        new.write_bytes(b"others again")
        jar = root._p_jar  # type: ignore[attr-defined]
        root["pLLM_v2"].model_blob = import_weights(jar, new, lambda *_: None)
        root["pLLM_v2"].card["sha256"] = hashlib.sha256(b"others again").hexdigest()
    universe.close()

    back_up(universe_path, tmp_path / "backups")

    verify(tmp_path / "backups")
    verify(universe_path)
