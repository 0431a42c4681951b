"""A universe becomes text, and the text the same universe."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.universe.bundle.conftest import SOURCE, files_of

from batos.errors import FolderTaken, MindMissing, NoSuchObject, NotExportable
from batos.kernel.method import Method
from batos.kernel.mirror import mirror
from batos.kernel.shared import Counter, Queue
from batos.kernel.values import plain
from batos.universe.awakening import Mind, awaken
from batos.universe.blobs import path_of
from batos.universe.bundle.exporting import export_universe
from batos.universe.bundle.importing import rebuild
from batos.universe.journal import Journal
from batos.universe.universe import Universe, open_universe

numbers = itertools.count()

# --- graphs at random ----------------------------------------------------------------------

atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters(), max_size=5),
    st.binary(max_size=5),
    st.dates(),
    st.datetimes().map(lambda moment: moment.replace(fold=0)),  # records keep no fold
    st.timedeltas(),
)
keys = st.one_of(st.integers(-3, 3), st.text(max_size=3), st.binary(max_size=2), st.dates())
data = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
        st.sets(keys, max_size=3),
        st.frozensets(keys, max_size=3),
    ),
    max_leaves=8,
)
step = st.one_of(
    st.tuples(st.just("data"), st.integers(0, 9), st.sampled_from("abAB"), data),
    st.tuples(st.just("object"), st.integers(0, 9), st.sampled_from("abAB"), st.integers(0, 9)),
    st.tuples(st.just("set"), st.integers(0, 9), st.just("s"), st.sets(st.integers(0, 9))),
    st.tuples(st.just("share"), st.integers(0, 9), st.sampled_from("abc"), st.integers(0, 9)),
    st.tuples(st.just("parents"), st.integers(0, 9), st.just("q*"), st.sets(st.integers(0, 9))),
    st.tuples(st.just("method"), st.integers(0, 9), st.sampled_from("mM"), data),
    st.tuples(
        st.just("counted"),
        st.integers(0, 9),
        st.just(""),
        st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    ),
    st.tuples(st.just("name"), st.integers(0, 9), st.text(max_size=4), st.none()),
)


def take(step: Any, objects: list[Any], root: Any) -> None:
    """Do to some objects what a step says."""
    kind, number, slot, value = step
    obj = objects[number]
    if kind == "data":
        mirror(obj).set(slot, value)
    elif kind == "object":
        mirror(obj).set(slot, objects[value], comment=f"leads to {value}", by="ada")
    elif kind == "counted":
        obj.counter, obj.queue = Counter(value), Queue([value, objects[number]])
        objects[0].again = [obj.counter, obj.queue]
    elif kind == "set":
        mirror(obj).set(slot, {(objects[n], n % 2) for n in value})
    elif kind == "share":  # a list in two objects, with one of them and itself inside
        if "shared" not in mirror(obj).slots():
            obj.shared = []
        obj.shared.append(objects[value])
        obj.shared.append(obj.shared)
        mirror(objects[value]).set(slot, {"shared": obj.shared, 1: (obj.shared,)})
    elif kind == "parents":
        mirror(obj).set(slot, tuple(objects[n] for n in value))
    elif kind == "method":
        mirror(obj).set(slot, Method(SOURCE, {"by": "mind", "data": plain(value)}))
    elif not slot.startswith("$") and slot not in root:
        root[slot] = obj


@given(st.lists(step, max_size=25))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_text_of_a_universe_made_from_text_is_the_same_text(
    tmp_path: Path, mind: Mind, steps: list[Any]
) -> None:
    here = tmp_path / str(next(numbers))
    awaken(here / "first.universe", mind)
    first = open_universe(here / "first.universe")
    with first.transaction() as root:
        objects = [root["genesis_obj"].clone() for _ in range(10)]
        root["zero"] = objects[0]
        for one in steps:
            take(one, objects, root)

    export_universe(first, here / "a")
    export_universe(first, here / "b")
    first.close()
    rebuild(here / "second.universe", here / "a")
    second = open_universe(here / "second.universe")
    export_universe(second, here / "c")
    second.close()

    assert files_of(here / "a") == files_of(here / "b")
    assert files_of(here / "a") == files_of(here / "c")


# --- one with everything -------------------------------------------------------------------


def test_everything_comes_back(full: Universe, tmp_path: Path) -> None:
    export_universe(full, tmp_path / "bundle")
    rebuild(tmp_path / "again.universe", tmp_path / "bundle")
    again = open_universe(tmp_path / "again.universe")
    export_universe(again, tmp_path / "bundle2")

    assert files_of(tmp_path / "bundle") == files_of(tmp_path / "bundle2")
    with full.transaction() as before, again.transaction() as after:
        account = after["account"]
        for slot in ("numbers", "texts", "raw", "times"):  # repr: 1 is not 1.0, nor True
            there = plain(mirror(before["account"]).slots()[slot])
            assert repr(plain(mirror(account).slots()[slot])) == repr(there)
        assert plain(account.containers) == plain(before["account"].containers)
        assert account.shared[1] is account.shared
        assert account.shared[0] is account.containers
        assert after["settings"] is account.shared
        assert mirror(account).method("double") is mirror(account).method("Double")
        assert mirror(account).method("double").provenance["tried"] == [("a", 1)]
        assert account.tree["a"].owner is account
        assert account.tree["a"] in account.friends
        assert mirror(account.tree["a"]).parents() == (account, after["genesis_obj"], account)
        assert after["../../etc/passwd"].odd is True
        assert path_of(after["pLLM_obj"].model_blob).read_bytes() == b"no weights at all"
    again.close()


def test_a_universe_made_from_text_is_born_as_any_other(full: Universe, tmp_path: Path) -> None:
    export_universe(full, tmp_path / "bundle")

    rebuild(tmp_path / "again.universe", tmp_path / "bundle", user="ann")

    again = open_universe(tmp_path / "again.universe")
    (birth,) = again.log(everything=True)[:-1]
    assert (birth.note, birth.user, birth.lasts) == ("import", "ann", True)
    with again.transaction() as root:
        names = ("traits_obj", "pLLM_obj", "genesis_obj", "digital_ether")
        oids = [root[name]._p_oid for name in names]
        assert all(root[name]._sealed for name in names)
        assert oids == sorted(oids)
        assert max(oids) < root["account"]._p_oid
    again.close()


def test_the_journal_comes_along_with_its_numbers_and_decisions(
    full: Universe, tmp_path: Path
) -> None:
    export_universe(full, tmp_path / "bundle")
    rebuild(tmp_path / "again.universe", tmp_path / "bundle")

    again = open_universe(tmp_path / "again.universe")

    assert Journal(again, "").list() == Journal(full, "").list()
    assert Journal(again, "").answers("k") == Journal(full, "").answers("k")
    again.close()


def test_without_the_journal_a_new_one_is_empty(full: Universe, tmp_path: Path) -> None:
    export_universe(full, tmp_path / "bundle", journal=False)
    rebuild(tmp_path / "again.universe", tmp_path / "bundle")

    again = open_universe(tmp_path / "again.universe")

    assert Journal(again, "").list() == []
    again.close()


def test_weights_may_stay_where_they_are(full: Universe, tmp_path: Path) -> None:
    export_universe(full, tmp_path / "bundle", weights=False)

    assert not (tmp_path / "bundle" / "weights").exists()
    with pytest.raises(MindMissing, match="only names them by this hash"):
        rebuild(tmp_path / "again.universe", tmp_path / "bundle")
    assert not (tmp_path / "again.universe").exists()
    rebuild(
        tmp_path / "again.universe",
        tmp_path / "bundle",
        find_weights=lambda _sha256: tmp_path / "weights.gguf",
    )
    assert open_and_close(tmp_path / "again.universe")


def open_and_close(path: Path) -> bool:
    open_universe(path).close()
    return True


def test_weights_from_elsewhere_must_have_the_hash(full: Universe, tmp_path: Path) -> None:
    export_universe(full, tmp_path / "bundle", weights=False)
    (tmp_path / "other").write_bytes(b"other weights")

    with pytest.raises(ValueError, match="another SHA-256"):
        rebuild(
            tmp_path / "again.universe",
            tmp_path / "bundle",
            find_weights=lambda _sha256: tmp_path / "other",
        )

    assert not (tmp_path / "again.universe").exists()


# --- the text ------------------------------------------------------------------------------


def test_a_method_reads_as_python_with_its_provenance_on_top(
    full: Universe, tmp_path: Path
) -> None:
    export_universe(full, tmp_path / "bundle")

    (file,) = (tmp_path / "bundle/objects").glob("account*/double.py")
    assert file.read_text().startswith('# provenance\n# {\n#   "by": "a person",\n')
    assert file.read_text().endswith(f"# ---\n{SOURCE}\n")


def test_no_two_names_of_files_differ_in_case_only(full: Universe, tmp_path: Path) -> None:
    export_universe(full, tmp_path / "bundle")

    names = [name.casefold() for name in files_of(tmp_path / "bundle")]
    assert len(set(names)) == len(names)
    assert not any("con.json" in name.split("/") for name in names)


def test_exporting_again_writes_only_what_differs(full: Universe, tmp_path: Path) -> None:
    export_universe(full, tmp_path / "bundle")
    with full.transaction() as root:
        root["account"].balance = 7
        del root["Account"]

    exported = export_universe(full, tmp_path / "bundle")

    export_universe(full, tmp_path / "fresh")
    assert files_of(tmp_path / "bundle") == files_of(tmp_path / "fresh")
    assert exported.files_changed < 15


def test_a_hash_seed_changes_nothing(full: Universe, tmp_path: Path) -> None:
    path = full.path
    full.close()
    code = (
        "import sys; from pathlib import Path\n"
        "from batos.universe.universe import open_universe\n"
        "from batos.universe.bundle.exporting import export_universe\n"
        "export_universe(open_universe(Path(sys.argv[1]), True), Path(sys.argv[2]))"
    )
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", code, str(path), str(tmp_path / seed)],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )

    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")


def test_permissions_travel_and_a_keeper_does_not(full: Universe, tmp_path: Path) -> None:
    with full.transaction() as root:
        mirror(root["account"]).permit("call", "no", root["Account"])
        mirror(root["account"]).permit("grow", "ask")
    export_universe(full, tmp_path / "bundle")

    rebuild(tmp_path / "again", tmp_path / "bundle")

    universe = open_universe(tmp_path / "again")
    with universe.transaction() as root:
        permitted = mirror(root["account"]).permissions()
    universe.close()
    assert (permitted.grow, permitted.call, permitted.keeper) == ("ask", "no", "")


# --- some objects --------------------------------------------------------------------------


def test_an_object_comes_with_what_it_reaches_and_without_primordials(
    full: Universe, tmp_path: Path
) -> None:
    export_universe(full, tmp_path / "bundle", ["account"])

    manifest = json.loads((tmp_path / "bundle/bundle.json").read_text())
    assert manifest["expects"] == {"genesis_obj": "genesis_obj"}
    assert manifest["weights"] == {}
    assert len(manifest["objects"]) == 4  # it, and its friends
    assert not (tmp_path / "bundle/journal").exists()


def test_an_unknown_name_is_refused_before_anything_is_written(
    full: Universe, tmp_path: Path
) -> None:
    with pytest.raises(NoSuchObject):
        export_universe(full, tmp_path / "bundle", ["accuont"])

    assert not (tmp_path / "bundle").exists()


def test_a_folder_with_something_else_is_left_as_it_is(full: Universe, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/notes.txt").write_text("mine")

    with pytest.raises(FolderTaken):
        export_universe(full, tmp_path / "taken")

    assert files_of(tmp_path / "taken") == {"notes.txt": b"mine"}


def test_what_has_no_words_is_refused_with_its_place(full: Universe, tmp_path: Path) -> None:
    with full.transaction() as root:
        nested = root["account"].nested = []
        nested = root["account"].nested
        for _ in range(200):
            nested.append([])
            nested[0] = type(nested)()
            nested = nested[0]

    with pytest.raises(NotExportable, match=r"account.*nested.*more than 100 deep"):
        export_universe(full, tmp_path / "bundle")
