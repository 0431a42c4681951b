"""Real servers for tests and benchmarks: ZEO, and PostgreSQL on a Unix socket.

Each lives in a folder of its own and is reached by nobody else. PostgreSQL refuses to run
as root, so that its files then belong to another user.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ZODB.POSException import POSError

WAIT_S = 60.0  # for a server to come up on a busy machine

_ZEO_CONF = """
<zeo>
  address {socket}
  client-conflict-resolution true
</zeo>
"""
_STORAGE = """
<filestorage {name}>
  path {folder}/{name}.fs
  blob-dir {folder}/{name}.blobs
</filestorage>
"""


def zeo_conf(socket: str, folder: str, names: Sequence[str]) -> str:
    """Return the configuration of a server that keeps storages of these names in a folder."""
    storages = (_STORAGE.format(name=name, folder=folder) for name in names)
    return _ZEO_CONF.format(socket=socket) + "".join(storages)


class ZeoServer:
    """A ZEO server as docs/how-to/many-processes.md starts it, with many storages."""

    def __init__(self, folder: Path, storages: int = 1) -> None:
        """Keep in mind where; `start` starts it."""
        folder.mkdir()
        self._names = [f"s{number}" for number in range(storages)]
        self.folder = folder
        self.socket = Path(tempfile.mkdtemp(prefix="zeo-")) / "socket"  # its path must be short
        self._last = self._names[-1]
        self._conf = folder / "zeo.conf"
        self._conf.write_text(zeo_conf(str(self.socket), str(folder), self._names))
        self._process: subprocess.Popen[bytes] | None = None

    def new_uri(self, shared: bool = False) -> str:
        """Return the address of a storage that nobody used."""
        name = self._names.pop(0)
        blobs = quote(f"{self.folder}/{name}.blobs")
        return f"zeo://{self.socket}?storage={name}" + (
            f"&shared_blob_dir=1&blob_dir={blobs}" if shared else ""
        )

    def start(self) -> None:
        """Start it, and wait until it serves."""
        argv = [sys.executable, "-m", "ZEO.runzeo", "-C", str(self._conf)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, cwd=self.folder)
        _wait_for(self._serves, (self.folder / "log").read_text)

    def stop(self) -> None:
        """Kill it, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """Kill it, and leave nothing outside its folder."""
        self.stop()
        shutil.rmtree(self.socket.parent)

    def _serves(self) -> bool:
        from ZEO.ClientStorage import ClientStorage

        assert self._process is not None
        assert self._process.poll() is None
        try:
            ClientStorage(str(self.socket), self._last, wait_timeout=1).close()
        except (POSError, OSError):
            return False
        return True


class PostgresServer:
    """A PostgreSQL server with a new cluster, in a folder of the system's temporary one."""

    user, password = "ada", "s3 cret/@'pass"  # one that has to be quoted everywhere

    def __init__(self) -> None:
        """Make the cluster; `start` starts it."""
        self.bin = postgres_bin()
        assert self.bin is not None
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            other = _somebody_else()
            self._as = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}
            os.chown(self.folder, other.pw_uid, other.pw_gid)
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)  # its folder is closed
        self._run(
            *("initdb", "-D", "data", "-U", self.user, "--auth=scram-sha-256"),
            *("--pwfile=password", "--encoding=UTF8", "--locale=C", "--no-sync"),
        )

    def start(self) -> None:
        """Start it, and wait until it serves."""
        options = f"-k {self.folder} -c listen_addresses=''"
        self._run("pg_ctl", "start", "-w", "-D", "data", "-l", "log", "-o", options)

    def stop(self) -> None:
        """Stop it at once, whoever is connected."""
        self._run("pg_ctl", "stop", "-w", "-D", "data", "-m", "immediate")

    def close(self) -> None:
        """Stop it, and leave nothing behind."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)

    def new_uri(self) -> str:
        """Return the address of a new database."""
        import psycopg2

        name = f"u{secrets.token_hex(6)}"
        connection = psycopg2.connect(
            dbname="postgres", user=self.user, password=self.password, host=str(self.folder)
        )
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}"')
        connection.close()
        secret = quote(self.password, safe="")
        return f"postgres://{self.user}:{secret}@/{name}?host={quote(str(self.folder))}"

    def _run(self, program: str, *arguments: str) -> None:
        assert self.bin is not None
        done = subprocess.run(
            [str(self.bin / program), *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a server keeps it open
            stderr=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            check=False,
            **self._as,
        )
        log = self.folder / "log"
        said = done.stderr or (log.read_bytes()[-2000:] if log.exists() else b"")
        assert done.returncode == 0, f"{program}: {said.decode(errors='replace')}"


def postgres_bin() -> Path | None:
    """Return the folder with PostgreSQL's server, the newest one, or None."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    found = [
        path.parent
        for pattern in ("lib/postgresql/*/bin/initdb", "pgsql-*/bin/initdb")
        for path in Path("/usr").glob(pattern)
    ]
    return max(found, key=_version_in, default=None)


def _version_in(folder: Path) -> int:
    return int("".join(filter(str.isdigit, folder.parent.name)) or 0)


def _somebody_else() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _wait_for(ready: Callable[[], bool], said: Callable[[], str]) -> None:
    ends = time.monotonic() + WAIT_S
    while not ready():
        assert time.monotonic() < ends, f"no server after {WAIT_S} s: {said()}"
        time.sleep(0.05)
