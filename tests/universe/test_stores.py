"""One contract for every place where a universe can lie, and the places' own rules.

The servers are real: ZEO's, and PostgreSQL. Other processes are real, too.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import pytest
from persistent import Persistent
from tests.conftest import require_postgres
from tests.servers import PostgresServer, ZeoServer, zeo_conf
from transaction import TransactionManager
from ZODB.blob import Blob
from ZODB.Connection import Connection, TransactionMetaData
from ZODB.DB import DB, TransactionalUndo
from ZODB.POSException import ConflictError
from ZODB.utils import load_current, z64

from batos.engines.contract import Scripted
from batos.errors import (
    AddressRefused,
    NoHistory,
    NotInFolder,
    NotStorable,
    PastReadOnly,
    StoreMissing,
    UndoConflict,
    UniverseExists,
    UniverseMissing,
    UniverseReadOnly,
    UniverseUnreachable,
    UniverseUnreadable,
    WallsNeeded,
    WallsUnavailable,
)
from batos.kernel.message import Message
from batos.kernel.method import Method
from batos.kernel.mirror import mirror
from batos.settings import Settings
from batos.synthesis.growth import Asking
from batos.universe.addresses import Address, address_of
from batos.universe.awakening import Mind, awaken
from batos.universe.blobs import path_of
from batos.universe.conflicts import Turns, retried
from batos.universe.database import open_database
from batos.universe.forgetting import forget
from batos.universe.journal import Journal, Proposal
from batos.universe.moments import visited
from batos.universe.packing import pack
from batos.universe.past import diff, history
from batos.universe.restoring import restore
from batos.universe.stores import open_store
from batos.universe.universe import Universe, open_universe
from batos.uvm import Uvm

Place = Path | Address
NewPlace = Callable[[], Place]

ON_SERVERS = ("zeo", "zeo-shared", "postgres")
FOR_MANY = (*ON_SERVERS, "sqlite")
EVERYWHERE = ("folder", *FOR_MANY)
SENDS = 25

children = multiprocessing.get_context("forkserver")
children.set_forkserver_preload(
    ["batos.uvm", "batos.universe.zeo", "batos.universe.relational"]
)


@pytest.fixture
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> NewPlace:
    """Name a place of one kind where no universe lies yet."""
    kind: str = request.param
    numbers = iter(range(100))

    def new() -> Place:
        folder = tmp_path / f"universe{next(numbers)}"
        if kind == "folder":
            return folder
        if kind == "sqlite":
            uri = f"sqlite://{folder}"
        elif kind == "postgres":
            uri = request.getfixturevalue("postgres_server").new_uri()
        else:
            uri = request.getfixturevalue("zeo_server").new_uri(shared=kind == "zeo-shared")
        return address_of(uri, tmp_path / "cache")

    return new


everywhere = pytest.mark.parametrize("new_place", EVERYWHERE, indirect=True)
for_many = pytest.mark.parametrize("new_place", FOR_MANY, indirect=True)


@pytest.fixture
def place(new_place: NewPlace, mind: Mind) -> Place:
    """A universe that nobody has open, at a place of that kind."""
    place = new_place()
    awaken(place, mind, "tester")
    return place


@pytest.fixture
def at_place(place: Place) -> Iterator[Universe]:
    """That universe, open."""
    universe = open_universe(place)
    yield universe
    universe.close()


def database_at(place: Place) -> DB:
    return open_store(place) if isinstance(place, Address) else open_database(place)


def befriend(universe: Universe, name: str, friend: str) -> None:
    with universe.transaction("befriend") as root:
        root[name].friend = root[friend]


def clone(universe: Universe, name: str, note: str = "", **slots: object) -> str:
    with universe.transaction(note or f"clone {name}", "tester") as root:
        root[name] = root["genesis_obj"].clone(**slots)
    return universe.log(1)[0].tid


def write(universe: Universe, name: str, note: str = "", **slots: object) -> str:
    with universe.transaction(note, "tester") as root:
        for slot, value in slots.items():
            setattr(root[name], slot, value)
    return universe.log(1)[0].tid


def read(universe: Universe, name: str, slot: str) -> object:
    with universe.transaction() as root:
        return getattr(root[name], slot)


# --- birth ------------------------------------------------------------------------------


@everywhere
def test_what_is_committed_is_there_after_it_was_opened_again(place: Place, mind: Mind) -> None:
    first = open_universe(place)
    clone(first, "account", balance=100)
    first.close()

    second = open_universe(place)

    assert read(second, "account", "balance") == 100
    with second.transaction() as root:
        assert mirror(root["account"]).understands("doesNotUnderstand_")
        assert path_of(root["pLLM_obj"].model_blob).read_bytes() == mind.weights.read_bytes()
    second.close()


@everywhere
def test_a_place_is_awakened_once(place: Place, mind: Mind) -> None:
    with pytest.raises(UniverseExists):
        awaken(place, mind)


@everywhere
def test_where_nobody_awakened_there_is_no_universe_and_looking_makes_none(
    new_place: NewPlace, mind: Mind
) -> None:
    place = new_place()

    for read_only in (True, False):
        with pytest.raises(UniverseMissing):
            open_universe(place, read_only)

    awaken(place, mind)
    open_universe(place).close()


@for_many
def test_a_killed_awakening_leaves_no_universe_or_a_whole_one(
    new_place: NewPlace, mind: Mind
) -> None:
    chance = random.Random(7)
    longest_s = 0.6
    for _ in range(4):
        place = new_place()
        child = children.Process(target=awaken, args=(place, mind))
        child.start()
        child.join(timeout=chance.uniform(0, longest_s))
        child.kill()
        child.join()

        try:
            universe = open_universe(place)
        except UniverseMissing:
            awaken(place, mind)
            universe = open_universe(place)

        with universe.transaction() as root:
            assert len(root) == 5
            weights = path_of(root["pLLM_obj"].model_blob)
            assert weights.read_bytes() == mind.weights.read_bytes()
        universe.close()


# --- transactions, also from elsewhere ----------------------------------------------------


def send_often(place: Place, settings: Settings, count: int) -> None:
    asking = Asking(mode="off")
    with Uvm(open_universe(place), "unwalled", asking, settings) as uvm:
        for _ in range(count):
            uvm.send("counter", "increment")


@for_many
def test_two_processes_that_send_at_once_lose_nothing(
    place: Place, at_place: Universe, settings: Settings
) -> None:
    with at_place.transaction() as root:
        counter = root["counter"] = root["genesis_obj"].clone(count=0)
        source = "def increment(self):\n    self.count += 1\n    return self.count"
        mirror(counter).set("increment", Method(source, {}))

    both = [
        children.Process(target=send_often, args=(place, settings, SENDS)) for _ in range(2)
    ]
    for child in both:
        child.start()
    for child in both:
        child.join()

    assert [child.exitcode for child in both] == [0, 0]
    assert read(at_place, "counter", "count") == 2 * SENDS


@everywhere
def test_threads_that_share_it_lose_nothing(at_place: Universe) -> None:
    clone(at_place, "counter", count=0)

    turns = Turns()

    def increment() -> None:
        with at_place.transaction() as root:
            root["counter"].count += 1

    def increment_often(_thread: int) -> None:
        for _ in range(10):
            retried(increment, turns)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(increment_often, range(4)))

    assert read(at_place, "counter", "count") == 40


def write_what_comes(place: Place, pipe: Pipe) -> None:
    universe = open_universe(place)
    pipe.send("ready")
    while (value := pipe.recv()) is not None:
        write(universe, "account", balance=value)
        pipe.send("written")
    universe.close()


@for_many
def test_the_next_transaction_sees_what_another_process_committed(
    place: Place, at_place: Universe
) -> None:
    clone(at_place, "account", balance=-1)
    here, there = children.Pipe()
    child = children.Process(target=write_what_comes, args=(place, there))
    child.start()
    assert here.recv() == "ready"

    for value in range(20):
        here.send(value)
        assert here.recv() == "written"
        assert read(at_place, "account", "balance") == value

    here.send(None)
    child.join()
    assert child.exitcode == 0


def write_for_ever(place: Place, pipe: Pipe) -> None:
    universe = open_universe(place)
    for number in range(10**6):
        with universe.transaction() as root:
            root["account"].balance = number
            root["account"].ballast = random.randbytes(200_000)
        pipe.send(number)


@for_many
def test_a_process_that_is_killed_in_a_commit_loses_nothing_that_it_was_told_of(
    place: Place, at_place: Universe
) -> None:
    clone(at_place, "account", balance=-1)
    chance = random.Random(7)
    for _ in range(4):
        here, there = children.Pipe(duplex=False)
        child = children.Process(target=write_for_ever, args=(place, there))
        child.start()
        there.close()
        told = here.recv()
        time.sleep(chance.uniform(0, 0.3))
        child.kill()
        child.join()
        while here.poll():
            try:
                told = here.recv()
            except EOFError:
                break

        balance = read(at_place, "account", "balance")

        assert balance in (told, told + 1)  # the last one may not have been told
        # PostgreSQL may be at work for the dead process still, so there may be a conflict.
        retried(lambda: write(at_place, "account", balance=-1), Turns())
        assert read(at_place, "account", "balance") == -1


@everywhere
def test_opened_to_be_read_it_changes_nothing(place: Place) -> None:
    universe = open_universe(place, read_only=True)

    with pytest.raises(UniverseReadOnly):
        clone(universe, "account")

    with universe.transaction() as root:
        assert "account" not in root
    universe.close()


# --- blobs --------------------------------------------------------------------------------


@everywhere
def test_a_blob_comes_back_byte_by_byte_as_a_file_of_the_universe(
    place: Place, at_place: Universe
) -> None:
    content = random.Random(7).randbytes(5_000_000)
    with at_place.transaction() as root:
        root["account"] = root["genesis_obj"].clone()
        root["account"].picture = Blob(content)

    with at_place.transaction() as root:
        path = path_of(root["account"].picture)

    assert path.read_bytes() == content
    blobs = place.blobs if isinstance(place, Address) else place / "blobs"
    assert path.is_relative_to(blobs)


@pytest.mark.parametrize("new_place", ["zeo", "postgres"], indirect=True)
def test_a_blob_reaches_a_machine_that_shares_no_folder(
    place: Place, at_place: Universe, tmp_path: Path, mind: Mind
) -> None:
    assert isinstance(place, Address)
    elsewhere = type(place)(
        **{**vars(place), "folder": tmp_path / "else", "blobs": tmp_path / "else" / "blobs"}
    )

    universe = open_universe(elsewhere)

    with universe.transaction() as root:
        path = path_of(root["pLLM_obj"].model_blob)
    assert path.is_relative_to(elsewhere.blobs)
    assert path.read_bytes() == mind.weights.read_bytes()
    assert (tmp_path / "else").stat().st_mode & 0o077 == 0
    universe.close()


@pytest.mark.parametrize("new_place", ["sqlite"], indirect=True)
def test_a_blob_beside_a_database_is_on_the_disk_before_its_transaction(
    place: Place, at_place: Universe, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    fsync = os.fsync

    def record(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())
        fsync(handle)

    monkeypatch.setattr(os, "fsync", record)
    with at_place.transaction() as root:
        root["account"] = root["genesis_obj"].clone()
        root["account"].picture = Blob(b"a picture")

    assert isinstance(place, Address)
    with at_place.transaction() as root:
        path = path_of(root["account"].picture)
    for needed in (path, *path.relative_to(place.blobs).parents):
        assert place.blobs / needed in synced


# --- the past -------------------------------------------------------------------------------


@everywhere
def test_the_log_says_who_did_what_newest_first(at_place: Universe) -> None:
    clone(at_place, "account", "a clone", balance=1)
    write(at_place, "account", "a change", balance=2)

    moments = at_place.log()

    assert [(moment.note, moment.user) for moment in moments] == [
        ("a change", "tester"),
        ("a clone", "tester"),
    ]
    assert at_place.log(1) == moments[:1]
    assert "awakening" in [moment.note for moment in at_place.log(9, everything=True)]


@everywhere
def test_an_undo_takes_back_one_transaction_and_can_be_undone(at_place: Universe) -> None:
    clone(at_place, "account", balance=1)
    tid = write(at_place, "account", "a change", balance=2)

    at_place.undo(tid, "tester")
    assert read(at_place, "account", "balance") == 1
    at_place.undo(at_place.log(1)[0].tid, "tester")

    assert read(at_place, "account", "balance") == 2


@everywhere
def test_what_something_refers_to_is_not_undone(at_place: Universe) -> None:
    tid = clone(at_place, "account")
    with at_place.transaction("a friend") as root:
        root["friend"] = root["account"].clone()

    with pytest.raises(UndoConflict, match="refers to what it created"):
        at_place.undo(tid)


@everywhere
def test_what_comes_to_be_referred_to_while_it_is_undone_is_not_undone(
    at_place: Universe, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone(at_place, "friend")
    tid = clone(at_place, "account")
    to_do = [lambda: befriend(at_place, "friend", "account")]
    begin = TransactionalUndo.tpc_begin

    def begin_later(undo: TransactionalUndo, transaction: object) -> None:
        if to_do:  # what the log says was read, and nothing is locked yet
            with ThreadPoolExecutor() as pool:
                pool.submit(to_do.pop()).result()
        begin(undo, transaction)

    monkeypatch.setattr(TransactionalUndo, "tpc_begin", begin_later)
    with pytest.raises(UndoConflict, match="refers to what it created"):
        at_place.undo(tid)

    with at_place.transaction() as root:
        assert root["friend"].friend is root["account"]
        assert root["account"].parents


@everywhere
def test_what_is_undone_meanwhile_is_not_referred_to(at_place: Universe) -> None:
    clone(at_place, "friend")
    tid = clone(at_place, "account")

    def befriend_slowly() -> None:
        with at_place.transaction() as root, ThreadPoolExecutor() as pool:
            root["friend"].friend = root["account"]
            pool.submit(at_place.undo, tid).result()

    with pytest.raises(ConflictError):
        befriend_slowly()

    with at_place.transaction() as root:
        assert "account" not in root
        assert set(mirror(root["friend"]).slots()) == {"parent*"}


@everywhere
def test_what_was_changed_since_is_not_undone(at_place: Universe) -> None:
    tid = clone(at_place, "account", balance=1)
    write(at_place, "account", balance=2)

    with pytest.raises(UndoConflict, match="changed the same objects"):
        at_place.undo(tid)


@everywhere
def test_the_journal_outlives_an_undo(at_place: Universe) -> None:
    journal = Journal(at_place, "tester")
    clone(at_place, "account", balance=1)
    journal.record(
        Proposal("key", "account", "deposit_", "", {}), Message("deposit_", (5,), {})
    )

    at_place.undo(None)

    assert [proposal.selector for proposal in journal.answers("key")] == ["deposit_"]


@everywhere
def test_an_error_of_the_callers_own_is_not_taken_for_the_stores(at_place: Universe) -> None:
    with pytest.raises(FileNotFoundError), at_place.transaction():
        Path("/no/such/file").read_text()


@everywhere
def test_the_past_can_be_visited_told_and_brought_back(at_place: Universe) -> None:
    first = clone(at_place, "account", "open", balance=1)
    at_birth = write(at_place, "account", "a gift", balance=2)
    write(at_place, "account", "a theft", balance=0)

    with visited(at_place, first) as root:
        assert root["account"].balance == 1
    told = [(event.moment.note, event.changes) for event in history(at_place, "account")]
    differing = [change.name for change in diff(at_place, first)]
    restore(at_place, "account", at_birth)

    assert [note for note, _changes in told] == ["a theft", "a gift", "open"]
    assert differing == ["account"]
    assert read(at_place, "account", "balance") == 2
    with pytest.raises(PastReadOnly), visited(at_place, first) as root:
        root["account"].balance = 5


@for_many
def test_one_at_an_address_is_packed_by_what_keeps_it(at_place: Universe) -> None:
    clone(at_place, "account", balance=1)

    with pytest.raises(NotInFolder, match=r"`zeopack`|`zodbpack`"):
        pack(at_place, timedelta())
    with pytest.raises(NotInFolder, match="`batos unname account`"):
        forget(at_place, "account")

    assert read(at_place, "account", "balance") == 1


# --- what is not trusted ---------------------------------------------------------------------


class Foreign(Persistent):  # type: ignore[misc]  # persistent is untyped
    """A class that has no place in a universe."""


class Opens:
    """What runs when its pickle is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def store_record(database: DB, oid: bytes, record: bytes, details: bytes = b"") -> None:
    """Store a record as somebody would who knows the storage, past every check."""
    storage = database.storage
    serial = load_current(storage, oid)[1]
    metadata = TransactionMetaData(b"", b"", details)
    storage.tpc_begin(metadata)
    storage.store(oid, serial, record, "", metadata)
    storage.tpc_vote(metadata)
    storage.tpc_finish(metadata)


def _class_of(record: bytes) -> bytes:
    """Return the first of a record's two pickles: it names the object's class."""
    rest = BytesIO(record)
    pickle.load(rest)
    return record[: rest.tell()]


@everywhere
def test_a_class_that_has_no_place_here_is_not_loaded(place: Place, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    database = database_at(place)
    with database.transaction() as connection:
        oid = connection.root()["digital_ether"]._p_oid
    record = pickle.dumps(("batos.kernel.uvm_object", "UvmObject"), 3) + pickle.dumps(
        {"_slots": {"a": Opens(trap)}, "_sealed": False}, 3
    )
    record = (
        pickle.dumps((("batos.kernel.uvm_object", "UvmObject"), None), 3)
        + record[len(pickle.dumps(("batos.kernel.uvm_object", "UvmObject"), 3)) :]
    )
    store_record(database, oid, record)
    database.close()

    universe = open_universe(place)
    with (
        pytest.raises(UniverseUnreadable, match="has no place in it"),
        universe.transaction() as root,
    ):
        mirror(root["digital_ether"]).slots()

    assert not trap.exists()
    universe.close()


@pytest.mark.parametrize("new_place", ["folder", "postgres", "sqlite"], indirect=True)
def test_what_a_transaction_says_of_itself_is_data_or_is_not_read(
    place: Place, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    database = database_at(place)
    record = load_current(database.storage, z64)[0]
    store_record(database, z64, record, details=pickle.dumps({"grew": Opens(trap)}, 3))
    database.close()

    def look_back() -> None:
        universe = open_universe(place)
        try:
            universe.log()
        finally:
            universe.close()

    with pytest.raises(UniverseUnreadable, match="where data belongs"):
        look_back()
    assert not trap.exists()


@everywhere
def test_two_changes_are_not_merged_if_one_names_such_a_class(
    place: Place, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    database = database_at(place)
    manager = TransactionManager(explicit=True)
    connection: Connection = database.open(manager)
    manager.begin()
    tree = connection.root()["journal"]["by_key"]
    tree["key"] = (1,)  # a tree merges two changes, and loads both for that
    record = load_current(database.storage, tree._p_oid)[0]
    trapped = pickle.dumps(((("key", Opens(trap)),),), 3)
    store_record(database, tree._p_oid, _class_of(record) + trapped)

    with pytest.raises((UniverseUnreadable, ConflictError)):
        manager.commit()

    manager.abort()
    connection.close()
    database.close()
    assert not trap.exists()


@everywhere
def test_a_record_that_could_not_be_loaded_again_is_not_stored(at_place: Universe) -> None:
    with pytest.raises(NotStorable), at_place.transaction() as root:
        root["foreign"] = Foreign()

    with at_place.transaction() as root:
        assert "foreign" not in root


# --- servers that are gone ----------------------------------------------------------------


@pytest.fixture(params=["zeo", "postgres"])
def own_server(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[ZeoServer | PostgresServer]:
    """A server that a test may stop."""
    server: ZeoServer | PostgresServer
    if request.param == "zeo":
        server = ZeoServer(tmp_path / "server")
    else:
        require_postgres()
        server = PostgresServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
def own_uri(own_server: ZeoServer | PostgresServer) -> str:
    """An address there, which waits no longer than it has to."""
    is_zeo = isinstance(own_server, ZeoServer)
    return own_server.new_uri() + ("&wait_timeout=1" if is_zeo else "&connect_timeout=2")


def test_a_server_that_goes_is_one_clear_error_until_it_comes_back(
    own_server: ZeoServer | PostgresServer, own_uri: str, tmp_path: Path, mind: Mind
) -> None:
    address = address_of(own_uri, tmp_path / "cache")
    assert isinstance(address, Address)
    awaken(address, mind)
    universe = open_universe(address)
    clone(universe, "account", balance=1)

    own_server.stop()
    for _ in range(2):
        with pytest.raises(UniverseUnreachable, match="Start its server"):
            write(universe, "account", balance=2)
    with pytest.raises(UniverseUnreachable):
        universe.log()
    with pytest.raises(UniverseUnreachable):
        universe.undo(None)
    with pytest.raises(UniverseUnreachable):
        open_universe(address)

    own_server.start()
    assert read(universe, "account", "balance") == 1
    write(universe, "account", balance=3)
    assert read(universe, "account", "balance") == 3
    universe.close()


def test_a_server_that_goes_in_the_middle_of_a_transaction_commits_none_of_it(
    own_server: ZeoServer | PostgresServer, own_uri: str, tmp_path: Path, mind: Mind
) -> None:
    address = address_of(own_uri, tmp_path / "cache")
    assert isinstance(address, Address)
    awaken(address, mind)
    universe = open_universe(address)
    clone(universe, "account", balance=1)

    def change_while_it_goes() -> None:
        with universe.transaction() as root:
            root["account"].balance = 2
            own_server.stop()

    with pytest.raises(UniverseUnreachable):
        change_while_it_goes()
    own_server.start()

    assert read(universe, "account", "balance") == 1
    universe.close()


@pytest.mark.parametrize(
    "uri",
    [
        "zeo:///nowhere/socket?wait_timeout=0.2",
        "zeo://127.0.0.1:1?wait_timeout=0.2",
        "postgres://ada:secret@127.0.0.1:1/db?connect_timeout=2",
        "postgres://ada:secret@/db?host=/nowhere",
    ],
)
def test_nobody_there_is_said_without_the_password(
    uri: str, tmp_path: Path, mind: Mind
) -> None:
    address = address_of(uri, tmp_path)

    for attempt in (open_universe, lambda place: awaken(place, mind)):
        with pytest.raises(UniverseUnreachable) as found:
            attempt(address)
        assert "secret" not in f"{found.value} {found.value!r} {found.value.__cause__}"


# --- on a server there are no walls -------------------------------------------------------


@pytest.mark.parametrize("new_place", ["zeo", "postgres"], indirect=True)
@pytest.mark.walls
def test_on_a_server_a_method_grows_when_a_person_agrees_and_not_by_itself(
    at_place: Universe, settings: Settings
) -> None:
    engine = Scripted(["\n    balance += amount\n    return balance"])
    examples = [((10,), 110), ((25,), 125)]
    agreeing = Asking(mode="ask", samples=1, approve=lambda _proposal: True)
    clone(at_place, "account", balance=100)
    uvm = Uvm(at_place, "walled", agreeing, settings, lambda _path: engine)

    with pytest.raises(WallsNeeded, match="is on a server"):
        uvm.send("account", "deposit_", 50, examples=examples, mode="auto")
    with pytest.raises(WallsUnavailable, match="is on a server"):
        uvm.wall_in()

    assert uvm.send("account", "deposit_", 50, examples=examples) == 150
    uvm.close()


def test_the_guide_starts_zeo_as_the_tests_do() -> None:
    guide = Path(__file__).parents[2] / "docs" / "how-to" / "many-processes.md"

    assert zeo_conf("/srv/universe/socket", "/srv/universe", ["1"]) in guide.read_text()


# --- PostgreSQL's and SQLite's own --------------------------------------------------------


def test_a_wrong_password_is_said_and_not_shown(
    postgres_server: PostgresServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    uri = postgres_server.new_uri().replace("s3%20cret", "wr0ng%20secret")
    address = address_of(uri, tmp_path)

    with caplog.at_level(0), pytest.raises(UniverseUnreachable, match="password") as found:
        open_universe(address)

    assert "wr0ng" not in f"{found.value} {found.value!r} {caplog.text}"
    assert "secret" not in caplog.text


def test_a_password_is_in_no_log_either(
    postgres_server: PostgresServer,
    tmp_path: Path,
    mind: Mind,
    caplog: pytest.LogCaptureFixture,
) -> None:
    address = address_of(postgres_server.new_uri(), tmp_path)
    assert isinstance(address, Address)

    with caplog.at_level(0):
        awaken(address, mind)
        universe = open_universe(address)
        clone(universe, "account")
        universe.close()

    assert caplog.text
    for part in postgres_server.password.split():
        assert part not in caplog.text


def test_a_database_without_history_says_that_it_cannot_undo(
    tmp_path: Path, mind: Mind
) -> None:
    address = address_of(f"sqlite://{tmp_path}/here?keep_history=0", tmp_path)
    awaken(address, mind)
    universe = open_universe(address)
    with universe.transaction() as root:
        root["account"] = root["genesis_obj"].clone()

    assert universe.log() == []
    for look_back in (
        lambda: universe.undo(None),
        lambda: history(universe, "account"),
        lambda: restore(universe, "account", "2026-01-01"),
    ):
        with pytest.raises(NoHistory, match=r"keep_history=0 keeps no history"):
            look_back()

    universe.close()


@pytest.mark.parametrize("history", [0, 1])
def test_an_address_that_is_wrong_about_the_history_is_refused(
    history: int, tmp_path: Path, mind: Mind
) -> None:
    uri = f"sqlite://{tmp_path}/here?keep_history="
    awaken(address_of(f"{uri}{history}", tmp_path), mind)

    with pytest.raises(AddressRefused, match="keep_history=0"):
        open_universe(address_of(f"{uri}{1 - history}", tmp_path))


def test_a_commit_in_sqlite_is_on_the_disk_when_it_returns(tmp_path: Path, mind: Mind) -> None:
    address = address_of(f"sqlite://{tmp_path}/here", tmp_path)
    awaken(address, mind)
    database = database_at(address)

    pool = database.storage._store_connection_pool
    with pool.borrowing() as connection:
        connection.cursor.execute("PRAGMA synchronous")
        level = connection.cursor.fetchone()[0]

    assert level == 2  # full; at 1, SQLite does not wait for the disk
    database.close()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, mind: Mind) -> None:
    (tmp_path / "letter").write_text("dear")
    address = address_of(f"sqlite://{tmp_path}", tmp_path)

    with pytest.raises(UniverseMissing):
        open_universe(address)
    with pytest.raises(UniverseExists):
        awaken(address, mind)

    assert [path.name for path in tmp_path.iterdir() if path != mind.weights] == ["letter"]


def test_a_damaged_file_of_sqlite_is_refused(tmp_path: Path, mind: Mind) -> None:
    address = address_of(f"sqlite://{tmp_path}/here", tmp_path)
    awaken(address, mind)
    (tmp_path / "here" / "main.sqlite3").write_bytes(b"no database" * 1000)

    with pytest.raises(UniverseUnreadable):
        open_universe(address)


# --- what is not installed -------------------------------------------------------------------


def test_a_program_with_a_folder_loads_none_of_these_packages() -> None:
    program = "import sys, batos.uvm; print({'ZEO', 'relstorage', 'psycopg2'} & {*sys.modules})"

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert found.stdout.decode() == "set()\n"


@pytest.mark.parametrize(
    ("uri", "package", "extra"),
    [
        ("zeo://host", "ZEO.ClientStorage", "zeo"),
        ("postgres://host/db", "psycopg2", "relational"),
        ("sqlite:///a/b", "relstorage.storage", "relational"),
    ],
)
def test_a_missing_package_is_named_with_what_brings_it(
    uri: str, package: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("zeo", "relational"):
        monkeypatch.delitem(sys.modules, f"batos.universe.{module}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(StoreMissing, match=rf"pip install 'batos\[{extra}\]'"):
        open_universe(address_of(uri, tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        " postgres://u:s3cret@h/db?x=1",
        "jdbc:postgresql://u:s3cret@h/db",
        "postgres:/u:s3cret@h/db",
        "postgres-x://u:s3cret@h/db",
        "postgres://u:?s3cret@h/db",
        "postgres://u:12/34s3cret@h/db",
        "postgres://u%3As3cret@h/",
    ],
)
def test_a_misspelled_uri_is_refused_and_its_password_not_repeated(
    text: str, tmp_path: Path
) -> None:
    with pytest.raises(AddressRefused) as refused:
        address_of(text, tmp_path)

    assert ":s3cret" not in str(refused.value)
