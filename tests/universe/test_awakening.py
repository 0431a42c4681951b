"""The birth of a universe: in order, in one transaction, and never over anything."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from batos.errors import SlotRefused, UniverseBusy, UniverseExists
from batos.kernel.authority import write_data_slot
from batos.kernel.method import Primitive
from batos.kernel.mirror import mirror
from batos.universe.awakening import Mind, awaken
from batos.universe.blobs import path_of
from batos.universe.universe import open_universe

PRIMORDIALS = ("traits_obj", "pLLM_obj", "genesis_obj", "digital_ether")

CheckWhole = Callable[[Path, Path], None]


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_the_primordial_objects_have_the_slots_and_parents_of_the_plan(
    place: Path, mind: Mind
) -> None:
    awaken(place, mind)

    universe = open_universe(place)
    with universe.transaction() as root:
        traits, pllm, genesis, ether = (root[name] for name in PRIMORDIALS)
        assert dict(mirror(traits).slots()) == {
            "doesNotUnderstand_": Primitive("synthesis.not_understood"),
            "setSlot_value_": Primitive("kernel.set_slot"),
        }
        slots = dict(mirror(pllm).slots())
        assert path_of(slots.pop("model_blob")).read_bytes() == mind.weights.read_bytes()
        assert slots == {
            "parent*": traits,
            "tokenizer_id": "a/tokenizer",
            "quantization": "Q4_1",
            "infer_": Primitive("personas.infer"),
            "reflectOn_": Primitive("synthesis.reflect"),
            "fineTuneWith_": Primitive("improvement.fine_tune"),
            "improveCognition": Primitive("improvement.improve"),
            "card": {"name": "small", "sizes": [1, 2]},
        }
        assert dict(mirror(genesis).slots()) == {"parent*": (traits, pllm)}
        assert dict(mirror(ether).slots()) == {"parent*": traits}
    universe.close()


def test_laws_come_before_the_mind_and_the_mind_before_the_first_being(
    place: Path, mind: Mind
) -> None:
    awaken(place, mind)

    universe = open_universe(place)
    with universe.transaction() as root:
        births = [root[name]._p_oid for name in PRIMORDIALS]
    universe.close()
    assert births == sorted(births)


def test_everything_is_born_in_one_transaction(place: Path, mind: Mind) -> None:
    awaken(place, mind, user="ann")

    universe = open_universe(place)
    birth, *before = universe.log(everything=True)
    universe.close()
    assert (birth.note, birth.user, birth.lasts) == ("awakening", "ann", True)
    assert [moment.note for moment in before] == ["initial database creation"]  # ZODB's own


def test_primordials_are_sealed_and_their_children_are_not(place: Path, mind: Mind) -> None:
    awaken(place, mind)

    universe = open_universe(place)
    with universe.transaction() as root:
        for name in PRIMORDIALS:
            with pytest.raises(SlotRefused, match="primordial"):
                write_data_slot(root[name], "rate", 1)
        write_data_slot(root["genesis_obj"].clone(), "rate", 1)
    universe.close()


def test_the_weights_file_is_left_untouched(place: Path, mind: Mind) -> None:
    mind.weights.chmod(0o640)
    os.utime(mind.weights, ns=(1_600_000_000_000_000_000, 1_600_000_000_123_456_789))
    before, bytes_before = mind.weights.stat(), mind.weights.read_bytes()

    awaken(place, mind)

    after = mind.weights.stat()
    for field in ("st_ino", "st_mode", "st_mtime_ns", "st_ctime_ns", "st_nlink", "st_size"):
        assert getattr(after, field) == getattr(before, field)
    assert mind.weights.read_bytes() == bytes_before


def test_nothing_but_the_universe_is_left(place: Path, mind: Mind) -> None:
    seen: list[tuple[int, int]] = []

    awaken(place, mind, on_bytes=lambda done, size: seen.append((done, size)))

    assert names(place.parent) == ["my.universe"]
    assert "awakening.lock" not in names(place)
    assert names(place / "blobs" / "tmp") == []
    assert seen[-1] == (100_000, 100_000)


@pytest.mark.parametrize("kind", ["universe", "file", "folder", "symlink", "dangling symlink"])
def test_it_is_refused_where_something_lies(place: Path, mind: Mind, kind: str) -> None:
    place.parent.mkdir()
    if kind == "universe":
        awaken(place, mind)
    elif kind == "file":
        place.write_text("mine")
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(place.parent if kind == "symlink" else place.parent / "nowhere")
    before = snapshot(place.parent)

    with pytest.raises(UniverseExists, match=r"my\.universe exists already"):
        awaken(place, mind)

    assert snapshot(place.parent) == before


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["full folder", "symlink", "symlink to an empty folder"])
def test_a_folder_that_is_not_its_own_is_not_emptied(
    place: Path, mind: Mind, kind: str
) -> None:
    place.parent.mkdir()
    other = place.parent / "precious"
    other.mkdir()
    cradle = place.parent / ".my.universe.awakening"
    if kind != "symlink to an empty folder":
        (other / "thesis.tex").write_text("four years of work")
    if kind == "full folder":
        other.rename(cradle)
    else:
        cradle.symlink_to(other)
    before = snapshot(place.parent)

    with pytest.raises(UniverseExists, match="awakening exists already"):
        awaken(place, mind)

    assert snapshot(place.parent) == before


def test_two_awakenings_at_one_place_do_not_meet(
    place: Path, mind: Mind, check_whole: CheckWhole
) -> None:
    refused: list[UniverseBusy] = []

    def awaken_again(_done: int, _size: int) -> None:
        with pytest.raises(UniverseBusy) as busy:
            awaken(place, mind)
        refused.append(busy.value)

    awaken(place, mind, on_bytes=awaken_again)

    assert len(refused) == 1
    check_whole(place, mind.weights)


def test_missing_weights_leave_nothing_behind(place: Path, mind: Mind) -> None:
    place.parent.mkdir()

    with pytest.raises(FileNotFoundError):
        awaken(place, replace(mind, weights=place.parent / "nowhere.gguf"))

    assert names(place.parent) == []


def test_weights_that_shrink_while_they_are_read_leave_nothing_behind(
    place: Path, mind: Mind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "copy_file_range", lambda *_args: 0)

    with pytest.raises(OSError, match="became shorter"):
        awaken(place, mind)

    assert names(place.parent) == []
