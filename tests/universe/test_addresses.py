"""What the address of a universe means, and what of it is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from batos.errors import AddressRefused
from batos.universe.addresses import (
    Address,
    PostgresAddress,
    SqliteAddress,
    ZeoAddress,
    address_of,
)

CACHE = Path("/a/cache")


def read(text: str) -> Address:
    address = address_of(text, CACHE)
    assert isinstance(address, Address)
    return address


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("my.universe", Path("my.universe")),
        ("/a/b", Path("/a/b")),
        ("zeo:/a", Path("zeo:/a")),
        ("file:///a/b%20c", Path("/a/b c")),
        ("file:///a/b/Data.fs", Path("/a/b")),
    ],
)
def test_a_path_and_a_file_uri_mean_a_folder(text: str, path: Path) -> None:
    assert address_of(text, CACHE) == path


def test_a_path_object_is_never_taken_for_a_uri() -> None:
    assert address_of(Path("zeo://host"), CACHE) == Path("zeo:/host")


@pytest.mark.parametrize(
    ("text", "server", "storage"),
    [
        ("zeo://host:1234", ("host", 1234), "1"),
        ("zeo://host", ("host", 9991), "1"),
        ("zeo://[::1]:99?storage=main", ("::1", 99), "main"),
        ("zeo:///run/zeo.sock", "/run/zeo.sock", "1"),
        ("zeo:///run/a%20b?storage=2", "/run/a b", "2"),
    ],
)
def test_a_zeo_uri_names_a_server_and_a_storage(
    text: str, server: tuple[str, int] | str, storage: str
) -> None:
    address = read(text)

    assert isinstance(address, ZeoAddress)
    assert (address.server, address.storage) == (server, storage)


def test_blobs_of_a_server_lie_in_the_cache_unless_a_folder_is_shared() -> None:
    alone = read("zeo://host")
    shared = read("zeo://host?shared_blob_dir=true&blob_dir=/srv/blobs")

    assert alone.blobs == alone.folder / "blobs"
    assert alone.folder.parent == CACHE / "stores"
    assert not alone.shared_blobs
    assert (shared.blobs, shared.shared_blobs) == (Path("/srv/blobs"), True)
    assert shared.folder == alone.folder


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_postgres_uri_is_a_login_with_its_quoting_undone(scheme: str) -> None:
    address = read(
        f"{scheme}://ada:p%40ss%20w@db:5433/main?sslmode=require&connect_timeout=2.5"
    )

    assert isinstance(address, PostgresAddress)
    assert dict(address.login) == {
        "dbname": "main",
        "user": "ada",
        "password": "p@ss w",
        "host": "db",
        "port": "5433",
        "sslmode": "require",
        "connect_timeout": "3",  # libpq counts whole seconds
    }
    assert address.shown == "postgres://ada@db:5433/main?sslmode=require&connect_timeout=2.5"


def test_postgres_on_a_unix_socket_is_named_by_its_folder() -> None:
    address = read("postgres:///main?host=/run/postgresql")

    assert isinstance(address, PostgresAddress)
    assert address.login["host"] == "/run/postgresql"
    assert "user" not in address.login
    assert address.shown == "postgres:///main?host=/run/postgresql"


@pytest.mark.parametrize("text", ["sqlite:///a/b", "sqlite://?data_dir=/a/b"])
def test_a_sqlite_uri_is_a_folder_with_everything_in_it(text: str) -> None:
    address = read(text)

    assert isinstance(address, SqliteAddress)
    assert (address.folder, address.blobs) == (Path("/a/b"), Path("/a/b/blobs"))
    assert address.keeps_history
    assert not address.on_server


def test_whoever_logs_in_finds_the_same_folder_on_this_machine() -> None:
    one = read("postgres://ada:one@db/main")
    other = read("postgres://bob:two@db/main?connect_timeout=9")

    assert one.folder == other.folder
    assert one.folder != read("postgres://ada:one@db/other").folder


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mysql://host/db", "may be file, postgres, postgresql, sqlite, zeo"),
        ("zeo://", "needs a host"),
        ("zeo://host:port", "cannot be read"),
        (
            "zeo://host?storag=1",
            "no option 'storag'; known: blob_dir, shared_blob",
        ),
        ("zeo://host?wait_timeout=0", "seconds above 0"),
        ("zeo://host?wait_timeout=nan", "seconds above 0"),
        ("zeo://host?shared_blob_dir=1", "needs blob_dir"),
        ("zeo://host?shared_blob_dir=maybe", "has to be 1 or 0"),
        ("zeo://host?blob_dir=here", "has to be absolute"),
        ("zeo://host#part", "has no # part"),
        ("zeo://ada:secret@host", "knows no users"),
        ("postgres://host", "names no database"),
        ("postgres://ada:secret@host", "names no database"),
        ("postgres://ada:secr[et@host/db", "cannot be read"),
        ("postgres://ada:secret@host:port/db", "cannot be read"),
        ("postgres://host/db?password=secret", "no option 'password'"),
        ("sqlite://", "needs a folder"),
        ("sqlite:///", "needs a folder"),
        ("sqlite://host/a", "needs a folder"),
        ("file://host/a", "an absolute path"),
        ("nothing://ada:secret@host", "nothing is known of nothing://"),
    ],
)
def test_what_has_no_meaning_is_refused_with_the_reason_and_without_the_password(
    text: str, why: str
) -> None:
    with pytest.raises(AddressRefused, match=r"is refused") as found:
        address_of(text, CACHE)

    assert why in str(found.value)
    assert "secr" not in f"{found.value} {found.value!r} {found.value.__cause__}"


@pytest.mark.parametrize(
    "uri",
    [
        "sqlite:///a/b?keep_history=0",
        "sqlite://?data_dir=/a/b&keep_history=0",
        "postgres://ada@db/main?keep_history=0&host=/run/a b",
        "zeo:///run/socket?storage=2&shared_blob_dir=1&blob_dir=/srv/blobs",
    ],
)
def test_what_is_shown_of_an_address_leads_to_the_same_universe(uri: str) -> None:
    address = read(uri)

    assert read(address.shown) == address


def test_no_password_is_in_what_an_address_shows_of_itself() -> None:
    address = read("postgres://ada:secret@db/main")

    assert "secret" not in f"{address} {address!r} {address.shown}"
