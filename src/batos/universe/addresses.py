"""Where a universe lies: a folder, or a URI of a server or of a relational database.

The URIs are spelled as zodburi's; it is not used (ADR 0011). An address is read here and
nothing is opened: `stores` does that. A password in it is kept apart from what messages
may show.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from batos.errors import AddressRefused, NotInFolder

WAIT_S = 5.0  # for a server that does not answer
_ZEO_PORT = 9991
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True)
class Address:
    """Where a universe lies that is no folder; one of the three below."""

    on_server: ClassVar[bool] = True  # whether it is reached over sockets
    keeper: ClassVar[str]  # what keeps it
    packed_by: ClassVar[str]  # what does there what `pack` does in a folder
    copied_by: ClassVar[str]  # the same of `backup`

    shown: str  # the URI without a password; it leads to the same universe
    folder: Path  # what of it lies on this machine
    blobs: Path
    shared_blobs: bool  # whether `blobs` holds the only copy, which all processes share


@dataclass(frozen=True)
class ZeoAddress(Address):
    """A storage that a ZEO server serves."""

    keeper: ClassVar[str] = "a ZEO server"
    packed_by: ClassVar[str] = "`zeopack`"
    copied_by: ClassVar[str] = "copy its server's folder while that is down"

    server: tuple[str, int] | str  # host and port, or the path of a Unix socket
    storage: str
    wait_s: float


@dataclass(frozen=True)
class PostgresAddress(Address):
    """A database of PostgreSQL."""

    keeper: ClassVar[str] = "PostgreSQL"
    packed_by: ClassVar[str] = "`zodbpack` of RelStorage"
    copied_by: ClassVar[str] = "use `pg_dump`"

    login: Mapping[str, str] = field(repr=False)  # libpq's words; what is missing it knows
    keeps_history: bool


@dataclass(frozen=True)
class SqliteAddress(Address):
    """A folder with SQLite's files, for processes of one machine."""

    on_server: ClassVar[bool] = False
    keeper: ClassVar[str] = "SQLite"
    packed_by: ClassVar[str] = "`zodbpack` of RelStorage"
    copied_by: ClassVar[str] = "copy its folder while nobody uses it"

    keeps_history: bool

    def moved(self, folder: Path) -> SqliteAddress:
        """Return the same in another folder."""
        return replace(self, folder=folder, blobs=folder / "blobs")


def not_in_folder(address: Address) -> NotInFolder:
    """Return the error that says how a universe is copied that is in no folder."""
    instead = f"`batos export` writes it as text; for an exact copy, {address.copied_by}"
    return NotInFolder(address.shown, address.keeper, instead)


def address_of(text: str | Path, cache: Path) -> Path | Address:
    """Return what a folder's path or a URI means.

    Args:
        text: `zeo://`, `postgres://`, `sqlite://`, `file://`; everything else is a path.
        cache: Where the folders of universes on a server lie.

    Raises:
        AddressRefused: It cannot be read, or says something that has no meaning here.
    """
    if isinstance(text, Path):
        return text
    text = text.strip()
    if not is_uri(text):
        return Path(_without_login(text))
    scheme = text.partition("://")[0]
    if scheme not in _READERS:
        why = f"nothing is known of {scheme}://; it may be {_listed(_READERS)}"
        raise AddressRefused(f"{scheme}://...", why)
    parts = _split(scheme, text)
    options = _options(scheme, parts)
    return _READERS[scheme](parts, options, cache)


def _without_login(path: str) -> str:
    """Return the path of a folder, unless it looks like a URI that was misspelled."""
    if re.match(r"[A-Za-z][\w+.:-]*:/", path) and "@" in path:
        why = "a URI begins with a scheme and ://, such as postgres://"
        raise AddressRefused("(not shown: it may hold a password)", why)
    return path


def is_uri(text: str | Path) -> bool:
    """Tell a URI from the path of a folder."""
    scheme, found, _ = str(text).partition("://")
    return isinstance(text, str) and bool(found) and scheme.replace("+", "").isalnum()


def _split(scheme: str, text: str) -> SplitResult:
    try:
        parts = urlsplit(text.replace(f"{scheme}://", "http://", 1))
        _ = parts.port  # it is read now
    except ValueError:  # its text repeats what may be a password
        why = (
            "it cannot be read; a character such as : or @ in a password is written as %3A, %40"
        )
        raise AddressRefused(f"{scheme}://...", why) from None
    if "@" in parts.path or "@" in parts.query:
        why = (
            "an @ stands behind the host; in a user or a password the characters / ? # @ : are"
            " written as %2F, %3F, %23, %40, %3A"
        )
        raise AddressRefused(f"{scheme}://...", why)
    if parts.fragment:
        raise AddressRefused(f"{scheme}://...", "a URI of a universe has no # part")
    return parts


def _options(scheme: str, parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options:
        if name not in _OPTIONS[scheme]:
            known = _listed(_OPTIONS[scheme]) or "none"
            raise AddressRefused(
                f"{scheme}://...", f"it has no option {name!r}; known: {known}"
            )
    return options


def _file(parts: SplitResult, _options: Mapping[str, str], _cache: Path) -> Path:
    path = Path(unquote(parts.path))
    if parts.netloc or not path.is_absolute():
        raise AddressRefused("file://...", "a file's URI is file:///, and an absolute path")
    return path.parent if path.name == "Data.fs" else path  # zodburi names the file


def _zeo(parts: SplitResult, options: Mapping[str, str], cache: Path) -> ZeoAddress:
    path = unquote(parts.path)
    storage = options.get("storage", "1")
    if parts.username or parts.password:
        raise AddressRefused(f"zeo://{parts.hostname}", "ZEO knows no users and passwords")
    if parts.hostname:
        server: tuple[str, int] | str = (parts.hostname, parts.port or _ZEO_PORT)
        named = f"zeo://{_netloc(parts.hostname, parts.port or _ZEO_PORT)}"
    elif Path(path).is_absolute():
        server, named = path, f"zeo://{path}"
    else:
        raise AddressRefused("zeo://...", "it needs a host, or the path of a Unix socket")
    identity = named + (f"?storage={storage}" if storage != "1" else "")
    named += _said(options)
    wait_s = _seconds(named, "wait_timeout", options.get("wait_timeout"))
    place = _local(named, identity, options, cache)
    return ZeoAddress(*place, server=server, storage=storage, wait_s=wait_s)


def _postgres(parts: SplitResult, options: Mapping[str, str], cache: Path) -> PostgresAddress:
    name = unquote(parts.path).strip("/")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    host = options.get("host") or parts.hostname or ""
    found = {
        "dbname": name,
        "user": user,
        "password": password,
        "host": host,
        "port": options.get("port") or str(parts.port or ""),
        "sslmode": options.get("sslmode") or options.get("ssl_mode") or "",
    }
    netloc = _netloc(parts.hostname or "", parts.port)
    named = f"postgres://{quote(user, safe='') + '@' if user else ''}{netloc}/{name}"
    named += _said(options)
    if not name:
        raise AddressRefused(named, "it names no database: postgres://HOST/DATABASE")
    wait_s = _seconds(named, "connect_timeout", options.get("connect_timeout"))
    found["connect_timeout"] = str(math.ceil(wait_s))
    identity = f"postgres {host} {found['port']} {name}"
    return PostgresAddress(
        *_local(named, identity, options, cache),
        login={key: value for key, value in found.items() if value},
        keeps_history=_flag(named, "keep_history", options.get("keep_history", "1")),
    )


def _sqlite(parts: SplitResult, options: Mapping[str, str], _cache: Path) -> SqliteAddress:
    folder = Path(options.get("data_dir") or unquote(parts.path))
    if parts.netloc or folder in (Path(), Path("/")):
        why = "it needs a folder: sqlite:///PATH/OF/FOLDER, or sqlite://?data_dir=FOLDER"
        raise AddressRefused("sqlite://...", why)
    folder = folder.absolute()
    named = f"sqlite://{folder}{_said(options, leave_out='data_dir')}"
    history = _flag(named, "keep_history", options.get("keep_history", "1"))
    return SqliteAddress(named, folder, folder / "blobs", True, history)


def _local(
    named: str, identity: str, options: Mapping[str, str], cache: Path
) -> tuple[str, Path, Path, bool]:
    """Return what all addresses of a server have; its folder is named by no credentials."""
    digest = hashlib.sha256(identity.encode()).hexdigest()[:24]
    folder = cache.absolute() / "stores" / digest
    shared = _flag(named, "shared_blob_dir", options.get("shared_blob_dir", "0"))
    blobs = Path(options.get("blob_dir") or folder / "blobs")
    if not blobs.is_absolute():
        raise AddressRefused(named, f"blob_dir is {str(blobs)!r}, and has to be absolute")
    if shared and "blob_dir" not in options:
        raise AddressRefused(named, "shared_blob_dir needs blob_dir: the folder that is shared")
    return named, folder, blobs, shared


def _said(options: Mapping[str, str], leave_out: str = "") -> str:
    """Return what a URI says behind its path: without it, it would lead elsewhere."""
    said = {name: value for name, value in options.items() if name != leave_out}
    return f"?{urlencode(said, safe='/:')}" if said else ""


def _netloc(host: str, port: int | None) -> str:
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if port else host


def _flag(named: str, name: str, value: str) -> bool:
    if value.lower() not in _TRUE + _FALSE:
        raise AddressRefused(named, f"{name} is {value!r}, and has to be 1 or 0")
    return value.lower() in _TRUE


def _seconds(named: str, name: str, value: str | None) -> float:
    try:
        seconds = WAIT_S if value is None else float(value)
    except ValueError:
        seconds = 0
    if not (math.isfinite(seconds) and seconds > 0):
        raise AddressRefused(named, f"{name} is {value!r}, and has to be seconds above 0")
    return seconds


def _listed(names: Mapping[str, object] | tuple[str, ...]) -> str:
    return ", ".join(sorted(names))


_Reader = Callable[[SplitResult, Mapping[str, str], Path], Path | Address]
_READERS: Mapping[str, _Reader] = {
    "file": _file,
    "zeo": _zeo,
    "postgres": _postgres,
    "postgresql": _postgres,  # libpq's spelling; zodburi knows only the other
    "sqlite": _sqlite,
}
_BLOBS = ("blob_dir", "shared_blob_dir")
_OF_POSTGRES = ("connect_timeout", "host", "keep_history", "port", "ssl_mode", "sslmode")
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "file": (),
    "zeo": ("storage", "wait_timeout", *_BLOBS),
    "postgres": (*_OF_POSTGRES, *_BLOBS),
    "postgresql": (*_OF_POSTGRES, *_BLOBS),
    "sqlite": ("data_dir", "keep_history"),
}
