"""What tests of several rooms share: a universe with a scripted mind, and a real one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import platformdirs
import pytest
from tests.servers import PostgresServer, ZeoServer, postgres_bin

from batos.engines.catalog import pull
from batos.engines.contract import Request, Scripted
from batos.sandbox import walls
from batos.settings import Settings, load_settings
from batos.synthesis.growth import Asking
from batos.universe import awakening
from batos.universe.universe import open_universe
from batos.uvm import Uvm

Script = Sequence[str] | Callable[[Request, int], str]
OpenScripted = Callable[[Script], Uvm]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs walls where there are none; CI has to have them."""
    why = walls.why_unavailable() if item.get_closest_marker("walls") else None
    if why is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"nothing is skipped in CI, and there are no walls: {why}")
        pytest.skip(why)


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    """The embedded mind's weights, pulled once into the user's cache."""
    return pull("smollm2", platformdirs.user_cache_path("batos")).path


@pytest.fixture
def settings() -> Settings:
    return load_settings()


@pytest.fixture
def universe_path(tmp_path: Path) -> Path:
    """A universe whose mind has weights that no engine could read."""
    weights = tmp_path / "weights.gguf"
    weights.write_bytes(b"no weights at all")
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    card = {"name": "scripted", "sha256": sha256, "quantization": "none"}
    path = tmp_path / "test.universe"
    awakening.awaken(path, awakening.Mind(weights, "none", "none", card), "tester")
    return path


@pytest.fixture
def open_scripted(universe_path: Path, settings: Settings) -> Iterator[OpenScripted]:
    """Open that universe with a mind that says what it is told to."""
    opened: list[Uvm] = []

    def open_(script: Script) -> Uvm:
        engine = Scripted(script)
        asking = Asking(mode="auto", samples=2 if callable(script) else len(script))
        uvm = Uvm(
            open_universe(universe_path), "unwalled", asking, settings, lambda _path: engine
        )
        opened.append(uvm)
        return uvm

    yield open_
    for uvm in opened:
        uvm.close()


# --- servers, for universes by URI --------------------------------------------------------


@pytest.fixture(scope="session")
def zeo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZeoServer]:
    """A ZEO server that stays up; a test takes a storage of its own from it."""
    server = ZeoServer(tmp_path_factory.mktemp("zeo") / "server", storages=100)
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server that stays up; a test takes a database of its own from it."""
    require_postgres()
    server = PostgresServer()
    server.start()
    yield server
    server.close()


def require_postgres() -> None:
    """Skip where PostgreSQL's server is not installed, but never in CI."""
    if postgres_bin() is None:
        why = "PostgreSQL's server is not installed; `tests/postgres.sh` says more"
        if os.environ.get("CI") == "true":
            pytest.fail(f"nothing is skipped in CI: {why}")
        pytest.skip(why)
