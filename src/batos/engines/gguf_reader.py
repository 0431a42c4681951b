"""A cursor over a GGUF file: numbers, texts and values, none past the file's end.

Every length is checked against what is left of the file before anything is read, so a
foreign file costs bounded time and memory. What the values mean is left to `gguf`.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from batos.errors import WeightsRefused

MAX_STRINGS = 4_000_000  # in arrays of the whole file; a large vocabulary has half a million

STRING, ARRAY = 8, 9
SCALARS = dict(
    zip((0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12), ("<" + c for c in "BbHhIif?Qqd"), strict=True)
)


class Reader:
    """A cursor over a file that never reads, or skips, past its end."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.file = file
        self.path = path
        self.size = os.fstat(file.fileno()).st_size
        self.position = 0
        self.strings_left = MAX_STRINGS

    def refused(self, why: str) -> WeightsRefused:
        return WeightsRefused(str(self.path), why)

    def take(self, count: int) -> bytes:
        self._advance(count)
        data = self.file.read(count)
        if len(data) != count:  # it shrank while it was read
            raise self.refused("it ends within its header")
        return data

    def skip(self, count: int) -> None:
        self._advance(count)
        self.file.seek(count, os.SEEK_CUR)

    def scalar(self, layout: str) -> int | float | bool:
        value: int | float | bool = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def number(self, layout: str) -> int:
        return int(self.scalar(layout))

    def text(self, limit_bytes: int) -> str:
        length = self.number("<Q")
        if length > limit_bytes:
            raise self.refused(
                f"a text in it has {length} bytes, and {limit_bytes} are the limit"
            )
        return self.take(length).decode("utf-8", errors="replace")

    def skip_value(self, value_type: int) -> None:
        if value_type == STRING:
            self.skip(self.number("<Q"))
        elif value_type == ARRAY:
            self._skip_array()
        elif value_type in SCALARS:
            self.skip(struct.calcsize(SCALARS[value_type]))
        else:
            raise self.refused(f"it holds a value of the unknown type {value_type}")

    def _skip_array(self) -> None:
        element_type, count = self.number("<I"), self.number("<Q")
        if element_type in SCALARS:
            self.skip(count * struct.calcsize(SCALARS[element_type]))
        elif element_type == STRING:
            self._skip_strings(count)
        else:  # llama.cpp reads no arrays of arrays either
            raise self.refused(f"it holds an array of the type {element_type}")

    def _skip_strings(self, count: int) -> None:
        self.strings_left -= count
        if self.strings_left < 0:
            raise self.refused(f"it claims more than {MAX_STRINGS} strings in its arrays")
        # A vocabulary has 100,000 of them and more: hence the loop without calls of ours.
        read, seek, length_of = self.file.read, self.file.seek, struct.Struct("<Q").unpack
        for _ in range(count):
            self._advance(8)
            (length,) = length_of(read(8))
            self._advance(length)
            seek(length, os.SEEK_CUR)

    def _advance(self, count: int) -> None:
        if count > self.size - self.position:
            raise self.refused("it ends within its header")
        self.position += count
