"""The command line on universes by URI: several processes, real servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.servers import PostgresServer, ZeoServer

from batos.universe.addresses import address_of
from batos.universe.awakening import Mind, awaken
from batos.universe.digests import sha256_of

Batos = Callable[..., "subprocess.CompletedProcess[str]"]

SOURCE = "def double(self):\n    self.balance *= 2\n    return self.balance\n"


@pytest.fixture(params=["zeo", "postgres", "sqlite"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A universe at a URI."""
    if request.param == "zeo":
        uri = request.getfixturevalue("zeo_server").new_uri()
    elif request.param == "postgres":
        uri = request.getfixturevalue("postgres_server").new_uri()
    else:
        uri = f"sqlite://{quote(str(tmp_path))}/my.universe"
    make_universe(uri, tmp_path)
    return str(uri)


def make_universe(uri: str, folder: Path) -> None:
    weights = folder / "weights.gguf"
    weights.write_bytes(b"no weights at all")
    card = {"name": "scripted", "sha256": "0" * 64, "quantization": "none"}
    awaken(address_of(uri, folder / "cache"), Mind(weights, "none", "none", card), "tester")


@pytest.fixture
def batos(tmp_path: Path) -> Batos:
    """Run a command with a cache of its own."""

    def run(*words: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "batos", *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "BATOS_CACHE": str(tmp_path / "cache"), **env},
        )

    return run


@pytest.mark.walls
def test_a_method_is_defined_sent_and_undone_by_one_process_after_the_other(
    batos: Batos, uri: str
) -> None:
    batos("-u", uri, "clone", "genesis_obj", "account", "balance=100")
    batos("-u", uri, "define", "account", stdin=SOURCE)

    sent = batos("-u", uri, "send", "account", "double")
    undone = batos("-u", uri, "undo")
    inspected = json.loads(batos("-u", uri, "--json", "inspect", "account").stdout)

    assert (sent.stdout, sent.returncode) == ("200\n", 0)
    assert undone.stdout == "undone: account double()\n"
    assert inspected["slots"]["balance"] == "100"
    if uri.startswith("sqlite"):
        assert sent.stderr == ""  # it was walled in, as one in a folder
    else:
        assert sent.stderr.startswith("not walled in: its universe is on a server")


def test_the_setting_may_be_a_uri(batos: Batos, uri: str) -> None:
    found = batos("inspect", BATOS_UNIVERSE=uri)

    assert found.returncode == 0
    assert "genesis_obj" in found.stdout


def test_a_folder_from_elsewhere_cannot_choose_a_server(
    batos: Batos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "batos.toml").write_text('universe = "zeo://ada:secret@host"')

    found = batos("inspect")

    assert found.returncode == 2
    assert "a URI in batos.toml" in found.stderr
    assert "secret" not in found.stderr


def test_where_nobody_awakened_it_is_said_how_to(
    batos: Batos, postgres_server: PostgresServer
) -> None:
    found = batos("-u", postgres_server.new_uri(), "inspect")

    assert found.returncode == 1
    assert "awaken" in found.stderr


@pytest.fixture
def zeo_of_a_moment(tmp_path: Path) -> Iterator[ZeoServer]:
    server = ZeoServer(tmp_path / "server")
    server.start()
    yield server
    server.close()


def test_a_server_that_is_gone_ends_a_command_with_8_and_one_line(
    batos: Batos, zeo_of_a_moment: ZeoServer, tmp_path: Path
) -> None:
    uri = zeo_of_a_moment.new_uri() + "&wait_timeout=1"
    make_universe(uri, tmp_path)
    zeo_of_a_moment.stop()

    found = batos("-u", uri, "inspect")

    assert found.returncode == 8
    assert len(found.stderr.splitlines()) == 1
    assert "cannot be reached" in found.stderr


def test_no_command_shows_a_password(
    batos: Batos, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    uri = postgres_server.new_uri()
    secret = quote(postgres_server.password, safe="")
    make_universe(uri, tmp_path)
    wrong = uri.replace(secret, f"{secret}1")
    nobody = uri.replace("host=", "host=/nowhere")

    said = [
        batos("-u", one, *words, BATOS_DEBUG=debug)
        for one in (uri, wrong, nobody)
        for words, debug in ((["awaken"], ""), (["doctor"], ""), (["--json", "log"], "1"))
    ]

    assert any("cannot be reached" in found.stderr for found in said)
    for found in said:
        for part in (secret, *postgres_server.password.split()):
            assert part not in found.stdout + found.stderr


@pytest.mark.walls
def test_a_sqlite_universe_is_walled_in_like_a_folder(tmp_path: Path, batos: Batos) -> None:
    uri = f"sqlite://{quote(str(tmp_path))}/my.universe"
    make_universe(uri, tmp_path)
    program = f"""
import batos
universe = batos.open({uri!r})
universe.wall_in()
with universe.transaction("walled") as root:
    root["account"] = root["genesis_obj"].clone(balance=1)
for path in ("/etc/passwd", {str(tmp_path / "weights.gguf")!r}):
    try:
        open(path)
    except PermissionError:
        print("closed")
universe.close()
"""

    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (found.stdout, found.stderr) == ("closed\nclosed\n", "")
    inspected = json.loads(batos("-u", uri, "--json", "inspect", "account").stdout)
    assert inspected["slots"]["balance"] == "1"


@pytest.mark.weights
def test_the_mind_thinks_with_weights_that_lie_on_a_server(
    batos: Batos, postgres_server: PostgresServer, smollm2_path: Path, tmp_path: Path
) -> None:
    uri = postgres_server.new_uri()
    sha256 = sha256_of(smollm2_path)
    card = {"name": "smollm2", "sha256": sha256, "quantization": "Q4_1"}
    address = address_of(uri, tmp_path / "first")
    awaken(address, Mind(smollm2_path, "smollm2", "Q4_1", card), "tester")
    batos("-u", uri, "clone", "genesis_obj", "account", "balance=100")
    example = "balance=100 | 10 => 110 | balance=110"

    found = batos("-u", uri, "send", "account", "deposit_", "50", "-e", example, "-n", "1")

    assert found.returncode in (3, 4)  # it abstained, or waits for a person
    assert "propose: 1 sample" in found.stderr
