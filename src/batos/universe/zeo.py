"""The storage of a universe that a ZEO server keeps.

The server is trusted: it has all records, and its messages are pickles. It does not load
records while `client-conflict-resolution` is on; the clients then merge, and load only the
classes that a universe may hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from ZEO.ClientStorage import ClientStorage
from ZEO.Exceptions import ClientDisconnected

from batos.universe.addresses import ZeoAddress
from batos.universe.storage import CheckedMerge

GONE = (ClientDisconnected, OSError)  # a Unix socket that is not there is an OSError

_PAGE = 100  # transactions that the server is asked for at once

Info = Mapping[str, object]


class _ZeoStorage(CheckedMerge, ClientStorage):  # type: ignore[misc]  # ZEO is untyped
    def undoLog(  # noqa: N802  ZODB's name
        self,
        first: int = 0,
        last: int = -20,
        filter: Callable[[Info], bool] | None = None,  # noqa: A002
    ) -> list[Info]:
        """Return transactions, newest first; ZEO's own answers nothing if there is a filter."""
        stop = first - last if last < 0 else last
        return list(islice(self._all(filter or (lambda _info: True)), first, stop))

    def _all(self, wanted: Callable[[Info], bool]) -> Iterator[Info]:
        start = 0
        while page := super().undoLog(start, start + _PAGE):
            yield from filter(wanted, page)
            start += _PAGE


def open_storage(address: ZeoAddress, read_only: bool, _create: bool) -> ClientStorage:
    """Return a client of the server; see `open_store`."""
    address.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _ZeoStorage(
        address.server,
        storage=address.storage,
        name=address.shown,
        read_only=read_only,
        wait_timeout=address.wait_s,
        blob_dir=str(address.blobs),
        shared_blob_dir=address.shared_blobs,
        server_sync=True,  # a transaction sees all that was committed before it began
    )
