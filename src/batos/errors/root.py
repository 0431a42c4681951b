"""The root of all errors."""

from __future__ import annotations

from typing import ClassVar


class BatosError(Exception):
    """The root. Catch it to catch everything that this package raises on purpose."""

    exit_code: ClassVar[int] = 1
