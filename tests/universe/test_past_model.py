"""The past against a model: whatever was done, every moment is as it was recorded."""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings, strategies as st

from batos.errors import RestoreRefused
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.universe.moments import visited
from batos.universe.past import diff, history
from batos.universe.restoring import restore
from batos.universe.states import text_of
from batos.universe.universe import Root, Universe, open_universe

Objects = dict[str, dict[str, object]]  # name -> slot -> plain data
Edit = tuple[str, str, str, object]

NAMES = st.sampled_from(["ann", "bob"])
SLOTS = st.sampled_from(["x", "y"])
VALUES = st.recursive(
    st.one_of(st.integers(-2, 2), st.booleans(), st.text("ab", max_size=2), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.text("k", max_size=1), inner, max_size=2),
    ),
    max_leaves=4,
)
EDITS = st.tuples(
    st.sampled_from(
        ["write", "write", "append", "append", "remove", "name", "unname", "renew", "undo"]
    ),
    NAMES,
    SLOTS,
    VALUES,
)
PROFILE = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def edited(root: Root, edit: Edit) -> None:
    """Do one edit, if there is what it needs."""
    kind, name, slot, value = edit
    obj = root.get(name)
    if (kind == "name" and obj is None) or kind == "renew":
        root[name] = root["genesis_obj"].clone()
    elif obj is None:
        return
    elif kind == "write":
        mirror(obj).set(slot, value)
    elif kind == "unname":
        del root[name]
    elif slot in mirror(obj).slots():
        held = mirror(obj).slots()[slot]
        if kind == "remove":
            mirror(obj).remove(slot)
        elif kind == "append" and hasattr(held, "append"):
            held.append(value)


def recorded(root: Root) -> Objects:
    """What a universe holds, as plain data."""
    return {
        name: {slot: plain(value) for slot, value in mirror(obj).data().items()}
        for name, obj in root.items()
        if name in ("ann", "bob") and isinstance(obj, UvmObject)
    }


class Lived:
    """A universe that somebody lived in, with what it was after each transaction."""

    def __init__(self, path: Path, edits: list[Edit]) -> None:
        self.universe = open_universe(path)
        self.moments: list[tuple[str, Objects]] = []
        with self.universe.transaction("begin") as root:
            for name in ("ann", "bob"):
                root[name] = root["genesis_obj"].clone(x=[1])
        self._record()
        for edit in edits:
            before = self.universe.database.lastTransaction()
            if edit[0] == "undo":
                if _can_undo(self.universe):
                    self.universe.undo(None)
            else:
                with self.universe.transaction(edit[0]) as root:
                    edited(root, edit)
            if self.universe.database.lastTransaction() != before:
                self._record()

    def _record(self) -> None:
        with self.universe.transaction() as root:
            objects = copy.deepcopy(recorded(root))
        self.moments.append((self.universe.database.lastTransaction().hex(), objects))


def _can_undo(universe: Universe) -> bool:
    newest = universe.log(1)
    return bool(newest) and newest[0].undoes is None


def lived(source: Path, edits: list[Edit], check: Callable[[Lived], None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "u"
        shutil.copytree(source, path)
        life = Lived(path, edits)
        try:
            check(life)
        finally:
            life.universe.close()


def texts(objects: Objects) -> dict[str, dict[str, str]]:
    return {
        name: {slot: text_of(value, {}) for slot, value in slots.items()}
        for name, slots in objects.items()
    }


def changes(
    before: Mapping[str, str] | None, after: Mapping[str, str] | None
) -> dict[str, tuple[str | None, str | None]]:
    old, new = before or {}, after or {}
    return {
        slot: (old.get(slot), new.get(slot))
        for slot in {*old, *new}
        if old.get(slot) != new.get(slot)
    }


@PROFILE
@given(st.lists(EDITS, min_size=1, max_size=10))
def test_every_moment_is_as_it_was(universe_path: Path, edits: list[Edit]) -> None:
    def check(life: Lived) -> None:
        for tid, objects in life.moments:
            with visited(life.universe, tid) as root:
                assert recorded(root) == objects

    lived(universe_path, edits, check)


@PROFILE
@given(st.lists(EDITS, min_size=1, max_size=10), st.data())
def test_a_diff_is_what_differs(
    universe_path: Path, edits: list[Edit], data: st.DataObject
) -> None:
    def check(life: Lived) -> None:
        first, before = data.draw(st.sampled_from(life.moments))
        second, after = data.draw(st.sampled_from(life.moments))
        old, new = texts(before), texts(after)

        found = {
            one.name: {
                change.slot: (change.before, change.after)
                for change in one.changes
                if change.slot != "parent*"
            }
            for one in diff(life.universe, first, second)
            if one.name in ("ann", "bob")
        }

        wanted = {name: changes(old.get(name), new.get(name)) for name in {*old, *new}}
        assert {name: one for name, one in found.items() if one} == {
            name: one for name, one in wanted.items() if one
        }

    lived(universe_path, edits, check)


@PROFILE
@given(st.lists(EDITS, min_size=1, max_size=10), st.data())
def test_an_object_can_be_restored_to_any_moment_and_back(
    universe_path: Path, edits: list[Edit], data: st.DataObject
) -> None:
    def check(life: Lived) -> None:
        tid, objects = data.draw(st.sampled_from(life.moments))
        now = life.moments[-1][1]
        try:
            changed = restore(life.universe, "ann", tid)
        except RestoreRefused:
            assert "ann" not in objects
            return

        with life.universe.transaction() as root:
            assert recorded(root) == now | {"ann": objects["ann"]}
        if changed:
            life.universe.undo(None)
            with life.universe.transaction() as root:
                assert recorded(root) == now

    lived(universe_path, edits, check)


@PROFILE
@given(st.lists(EDITS, min_size=1, max_size=10))
def test_a_history_tells_every_change_and_no_other(
    universe_path: Path, edits: list[Edit]
) -> None:
    def check(life: Lived) -> None:
        states: list[tuple[str, dict[str, str] | None]] = [
            ("", None)
        ]  # before there was anything
        states += [(tid, texts(objects).get("ann")) for tid, objects in life.moments]
        wanted = [
            (tid, changes(before, after))
            for (_, before), (tid, after) in pairwise(states)
            if before != after
        ]

        found = [
            (
                event.moment.tid,
                {
                    change.slot: (change.before, change.after)
                    for change in event.changes
                    if change.slot != "parent*"
                },
            )
            for event in history(life.universe, "ann", 100)
            if event.changes  # another object with the same slots is an event, too
        ]

        assert found == wanted[::-1]

    lived(universe_path, edits, check)
