"""Forgetting: the bytes are gone, in every file of the universe."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from BTrees.OOBTree import OOBTree

from batos.errors import (
    ForgetRefused,
    ForgettingUnfinished,
    NoSuchMoment,
    NoSuchObject,
    UniverseReadOnly,
)
from batos.kernel.message import Message
from batos.kernel.method import Method
from batos.kernel.mirror import mirror
from batos.kernel.shared import Queue
from batos.kernel.values import plain
from batos.universe import forgetting
from batos.universe.blobs import import_weights
from batos.universe.forgetting import forget
from batos.universe.journal import Journal, Proposal, State
from batos.universe.moments import visited
from batos.universe.names import Named
from batos.universe.packing import pack
from batos.universe.universe import Universe, open_universe
from batos.uvm import Uvm

Write = Callable[..., str]
MARK = "a-unique-marker-0815"


def files_with(path: Path, text: str) -> set[str]:
    """Which files of a universe hold a text."""
    return {
        file.name
        for file in path.rglob("*")
        if file.is_file() and text.encode() in file.read_bytes()
    }


@pytest.fixture
def confided(universe: Universe, write: Write, tmp_path: Path) -> str:
    """An object that the marker is in, in every way; return the last transaction."""
    write(
        "confidant", note=f"confide {MARK}-note", secret=f"{MARK}-slot", many=[[f"{MARK}-in"]]
    )
    (tmp_path / "w").write_bytes(f"{MARK}-weights".encode())
    with universe.transaction("teach") as root:
        jar = root._p_jar  # type: ignore[attr-defined]
        root["confidant"].weights = import_weights(jar, tmp_path / "w", lambda *_: None)
        root["confidant"].tell = Method(f"def tell(self):\n    return '{MARK}-source'", {})
    with universe.transaction(f"confidant told_('{MARK}-argument')") as root:
        root["bystander"] = root["genesis_obj"].clone(count=1)  # lives on in that transaction
    proposal = Proposal("key", "confidant", "tell", "src", {"message": f"{MARK}-provenance"})
    Journal(universe, "ann").record(proposal, Message("tell", (f"{MARK}-message",)))
    write("confidant", secret="harmless", many=[])
    return write("confidant", note="rename", secret=f"{MARK}-again")


def test_nothing_of_it_is_in_any_file_afterwards(
    universe: Universe, universe_path: Path, confided: str
) -> None:
    assert len(files_with(universe_path, MARK)) >= 2  # Data.fs, and the blob

    done = forget(universe, "confidant", user="ann")

    assert files_with(universe_path, MARK) == set()
    assert done.still_there == ()
    assert done.proposals == 1
    universe.close()
    assert files_with(universe_path, MARK) == set()
    assert files_with(universe_path, "confidant") == set()


def test_the_rest_lives_on_and_history_has_ended(universe: Universe, confided: str) -> None:
    done = forget(universe, "confidant")

    with universe.transaction() as root:
        assert "confidant" not in root
        assert root["bystander"].count == 1
        assert set(root) >= {"traits_obj", "pLLM_obj", "genesis_obj", "journal"}
    assert done.packed.ending.ended > 5
    with pytest.raises(NoSuchMoment), visited(universe, confided):
        pass
    universe.close()
    again = open_universe(universe.path)
    with again.transaction() as root:
        assert root["bystander"].count == 1
    again.close()


def test_the_journal_keeps_the_number_only(universe: Universe, confided: str) -> None:
    journal = Journal(universe, "ann")
    other = journal.record(Proposal("other", "bystander", "f", "src", {}), Message("f"))

    forget(universe, "confidant")

    first, second = journal.list()
    assert (first.id, first.state, first.receiver) == (1, State.FORGOTTEN, "(forgotten)")
    assert second == other
    assert journal.answers("key") == []


def test_an_earlier_name_counts_too(
    universe: Universe, universe_path: Path, write: Write
) -> None:
    write("cover_name", note="begin", secret=MARK)
    write("bystander", note=f"cover_name met_('{MARK}')")
    with universe.transaction("rename") as root:
        root["real_name"] = root.pop("cover_name")

    assert forget(universe, "real_name").still_there == ()

    assert files_with(universe_path, MARK) == files_with(universe_path, "cover_name") == set()


def test_others_that_refer_to_it_are_named_and_nothing_is_changed(
    universe: Universe, write: Write
) -> None:
    write("account", secret=MARK)
    with universe.transaction("refer") as root:
        root["friend"] = root["genesis_obj"].clone(knows=[{"whom": root["account"]}])
    before = universe.log(everything=True)

    with pytest.raises(ForgetRefused, match=r"friend: knows.*--cut"):
        forget(universe, "account")

    assert universe.log(everything=True) == before


def test_cut_removes_the_references(universe: Universe, write: Write) -> None:
    write("account", secret=MARK)
    with universe.transaction("refer") as root:
        account = root["account"]
        root["child"] = account.clone(age=1)
        root["friend"] = root["genesis_obj"].clone(
            best=account,
            others=[1, account],
            ages={"account": account, "x": 2},
            pair=(account, 3),
        )

    done = forget(universe, "account", cut=True)

    assert set(done.cut) == {"child: parent*", "friend: best, others, ages, pair"}
    with universe.transaction() as root:
        assert mirror(root["child"]).parents() == (root["genesis_obj"],)
        assert root["child"].age == 1
        slots = mirror(root["friend"]).slots()
        assert "best" not in slots
        assert (list(root["friend"].others), dict(root["friend"].ages)) == ([1], {"x": 2})
        assert root["friend"].pair == (3,)
    assert done.still_there == ()


@pytest.mark.parametrize("kind", ["tree", "queue"])
def test_a_reference_that_cannot_be_cut_is_named(
    universe: Universe, write: Write, kind: str
) -> None:
    write("account", balance=1)
    with universe.transaction("index") as root:
        account = root["account"]
        held = OOBTree({"a": account}) if kind == "tree" else [Queue([account])]
        root["index"] = root["genesis_obj"].clone(held=held)

    with pytest.raises(ForgetRefused, match="take it out there first"):
        forget(universe, "account", cut=True)

    with universe.transaction() as root:
        assert root["account"].balance == 1


def test_what_another_object_says_too_is_reported(universe: Universe, write: Write) -> None:
    write("account", secret=MARK)
    write("gossip", heard=MARK)
    write("account", secret="by now it is another one")

    done = forget(universe, "account")

    assert len(done.still_there) == 1
    assert "the text of secret, in Data.fs" in done.still_there[0]
    assert "backups" in done.beyond_reach[0]


def test_primordials_and_unknown_names_are_refused(universe: Universe) -> None:
    with pytest.raises(ForgetRefused, match="primordial"):
        forget(universe, "genesis_obj")
    with pytest.raises(NoSuchObject):
        forget(universe, "journal")
    reader = open_universe(universe.path, read_only=True)
    with pytest.raises(UniverseReadOnly):
        forget(reader, "genesis_obj")
    reader.close()


def test_what_only_it_referred_to_goes_with_it(
    universe: Universe, universe_path: Path, write: Write
) -> None:
    write("account")
    with universe.transaction("address") as root:
        root["account"].address = root["genesis_obj"].clone(street=MARK)

    assert forget(universe, "account").still_there == ()

    assert files_with(universe_path, MARK) == set()


def test_receipts_of_its_messages_go_and_those_of_others_lose_its_name(
    universe: Universe, universe_path: Path, open_scripted: Callable[..., Uvm]
) -> None:
    universe.close()
    uvm = open_scripted([])
    with uvm.transaction("begin") as root:
        for name in ("confidant", "bystander"):
            root[name] = root["genesis_obj"].clone(heard=None)
            mirror(root[name]).define("def hear_(self, what):\n    return what")
    uvm.send("confidant", "hear_", MARK, message_id="1")
    uvm.send("bystander", "hear_", "confidant", message_id="2")

    uvm.forget("confidant")

    uvm.close()
    assert files_with(universe_path, MARK) == set()
    assert files_with(universe_path, "hear_('confidant')") == set()


def test_a_past_that_could_not_be_ended_is_told_with_what_ends_it(
    universe: Universe, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("secret", text="SECRETSECRET")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(forgetting, "pack", fail)
        with pytest.raises(ForgettingUnfinished, match="batos forget --finish"):
            forget(universe, "secret")
    pack(universe, dt.timedelta())

    assert b"SECRETSECRET" not in (universe.path / "Data.fs").read_bytes()


def test_the_journal_keeps_no_key_of_what_is_forgotten(
    universe: Universe, write: Callable[..., str]
) -> None:
    write("account", balance=1)
    proposal = Proposal("key", "account", "deposit_", "", {}, message_key="message key")
    Journal(universe, "tester").record(proposal, Message("deposit_", (5,), {}))

    forget(universe, "account")

    with universe.transaction() as root:
        assert list(root["journal"]["by_key"]) == []


# --- what others say of it ---------------------------------------------------------------


@pytest.fixture
def told(open_scripted: Callable[..., Uvm], universe: Universe) -> Uvm:
    """Two objects; the confidant's secret is the marker."""
    universe.close()
    uvm = open_scripted([])
    with uvm.transaction("begin") as root:
        for name in ("confidant", "bystander"):
            root[name] = root["genesis_obj"].clone(heard=None)
        mirror(root["bystander"]).define("def hear_(self, what):\n    return what")
        root["confidant"].secret = f"{MARK} 'ü'\n" + 100 * "long "
    return uvm


def secret_of(uvm: Uvm) -> str:
    with uvm.transaction() as root:
        return str(root["confidant"].secret)


def test_a_message_to_another_receiver_is_redacted_where_it_speaks_of_it(
    told: Uvm, universe_path: Path
) -> None:
    secret = secret_of(told)
    said = {
        "message": f"bystander hear_({secret!r})\nprototype confidant",
        "verdict": "all 3 examples agree",
        "candidates": [
            {"source": "def hear_(self, confidant): 1", "verdict": f"says {secret}"}
        ],
    }
    asked = Message("hear_", (secret, [b"x", "harmless"]), {"by": "of confidant"})
    told.journal.record(Proposal("k", "bystander", "hear_", "source", said), asked)
    with told.transaction("teach") as root:
        mirror(root["bystander"]).set("tell", Method("def tell(self):\n    pass", said))

    done = told.forget("confidant")

    (entry,) = told.journal.list()
    assert (done.proposals, entry.state, entry.selector) == (1, State.PROPOSED, "hear_")
    assert entry.provenance["message"] == "(forgotten)"
    assert entry.provenance["verdict"] == "all 3 examples agree"
    with told.transaction() as root:
        message = mirror(root["journal"]["entries"][1].message).slots()
        assert plain(message["args"]) == ("(forgotten)", [b"x", "harmless"])
        method = mirror(root["bystander"]).method("tell")
        assert method.provenance["message"] == "(forgotten)"
        assert method.source.startswith("def tell")
    assert [what.split(":")[0] for what in done.still_there] == [
        "the name confidant, in Data.fs"
    ]
    told.close()
    assert files_with(universe_path, MARK) == set()


@pytest.mark.parametrize("where", ["source", "example"])
def test_an_entry_whose_source_or_examples_hold_it_keeps_its_number_only(
    told: Uvm, universe_path: Path, where: str
) -> None:
    secret = secret_of(told)
    source = f"def f(self):\n    return {secret!r}" if where == "source" else ""
    examples = [{"args": [secret]}] if where == "example" else []
    told.journal.record(
        Proposal("k", "bystander", "f", source, {"examples": examples}), Message("f")
    )

    told.forget("confidant")

    assert [entry.state for entry in told.journal.list()] == [State.FORGOTTEN]
    told.close()
    assert files_with(universe_path, MARK) == set()


def test_a_note_of_another_object_that_tells_its_secret_goes_even_cut_off(
    told: Uvm, universe_path: Path
) -> None:
    secret = secret_of(told)
    told.send("bystander", "hear_", secret)
    told.send("bystander", "hear_", 940 * "x" + secret)  # the note ends within it
    with told.transaction(f"bystander hear_({secret!r})") as root:
        root["another"] = root["genesis_obj"].clone(n=1)  # lives on in that transaction

    done = told.forget("confidant")

    assert done.still_there == ()
    assert told.log(10) == []
    with told.transaction() as root:
        assert root["another"].n == 1
    told.close()
    assert files_with(universe_path, MARK[:10]) == set()


def test_an_answer_that_tells_of_it_is_gone_and_its_message_still_took_effect(
    told: Uvm, universe_path: Path
) -> None:
    secret = secret_of(told)
    told.send("bystander", "hear_", {"of": [secret]}, message_id="1")
    told.send("bystander", "hear_", Named("confidant"), message_id="2")
    told.send("bystander", "hear_", "harmless", message_id="about confidant")
    told.send("bystander", "hear_", 150 * "x" + secret, message_id="4")
    told.send("bystander", "hear_", "harmless", message_id="5")

    done = told.forget("confidant")

    assert done.still_there == ()
    assert told.send("bystander", "hear_", {"of": [secret]}, message_id="1") == "(forgotten)"
    assert told.send("bystander", "hear_", "harmless", message_id="5") == "harmless"
    told.close()
    assert files_with(universe_path, MARK) == files_with(universe_path, "confidant") == set()


def test_a_tail_that_a_crash_left_is_named(universe: Universe, write: Write) -> None:
    write("account", secret=MARK)
    (universe.path / "Data.fs.tr0").write_text(f"half a commit {MARK}")

    done = forget(universe, "account")

    assert done.still_there == (
        "the text of secret, in Data.fs.tr0: a crash cut that off; remove the file",
    )


def test_what_it_cannot_find_by_their_texts_is_said(universe: Universe, write: Write) -> None:
    write("account", number=4711, code="short")

    done = forget(universe, "account")

    assert done.beyond_reach[-1].startswith("numbers, short texts and parts of its texts")
