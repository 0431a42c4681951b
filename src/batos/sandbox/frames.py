"""Frames: whole messages on a stream socket, each after its length in bytes.

What is in a frame is the two sides' business. A receiver says how long it waits and how
much it takes, because the other side may be hostile or hang.
"""

from __future__ import annotations

import math
import socket
import struct
import time

MAX_FRAME_BYTES = 64 << 20

_LENGTH = struct.Struct("<I")
_CHUNK_BYTES = 1 << 20


def send_frame(channel: socket.socket, frame: bytes) -> None:
    """Send some bytes as one piece."""
    channel.sendall(_LENGTH.pack(len(frame)) + frame)


def receive_frame(
    channel: socket.socket, *, ends: float = math.inf, most_bytes: int = MAX_FRAME_BYTES
) -> bytes | None:
    """Return the next piece, or None when the other side has closed.

    Args:
        channel: A stream socket. With an end, its timeout is set.
        ends: When to give up, by `time.monotonic()`.
        most_bytes: What a piece may take.

    Raises:
        TimeoutError: The piece was not whole in time.
        ValueError: It is longer than that.
    """
    head = _exactly(channel, _LENGTH.size, ends)
    if head is None:
        return None
    length: int = _LENGTH.unpack(head)[0]
    if length > most_bytes:
        raise ValueError(f"a frame of {length} bytes, and {most_bytes} are the most")
    return _exactly(channel, length, ends)


def _exactly(channel: socket.socket, count: int, ends: float) -> bytes | None:
    received = bytearray()
    while len(received) < count:
        if ends < math.inf:
            left_s = ends - time.monotonic()
            if left_s <= 0:  # 0 would mean "do not block", and less is no timeout
                raise TimeoutError("timed out")
            channel.settimeout(left_s)
        chunk = channel.recv(min(count - len(received), _CHUNK_BYTES))
        if not chunk:
            return None
        received += chunk
    return bytes(received)
