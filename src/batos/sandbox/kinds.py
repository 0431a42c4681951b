"""`int` and `str` as generated code has them: Python's own, within bounds.

`str(data, 'punycode')` looks a codec up by name, which imports a module; `int(text, 16)`
makes a number of a million bits, whose division nothing interrupts. Both names are also used
as types, so what stands for them is a type: `isinstance(x, str)`, `str.lower` and `int | str`
mean what they mean in Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batos.sandbox.operators import MAX_BITS, check_bits
from batos.sandbox.texts import codec, length


class Kind(type):
    """What stands for a type: it makes values of its base, and nothing of its own."""

    make: Callable[..., Any]  # each has its own
    base: type

    def __call__(cls, *args: Any, **keywords: Any) -> Any:
        if len(args) == 1 and not keywords:  # of one argument both are bounded by Python
            return cls.base(args[0])
        return cls.make(*args, **keywords)

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, cls.base)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, cls.base)


class Text(str, metaclass=Kind):
    """`str`, which decodes by the codecs on a list only."""

    __slots__ = ()
    base = str

    @staticmethod
    def make(*args: Any, **keywords: Any) -> str:
        encoding = args[1] if len(args) > 1 else keywords.get("encoding")
        if encoding is not None:
            codec(encoding)
        return str(*args, **keywords)


class Integer(int, metaclass=Kind):
    """`int`, of as many bits as arithmetic has."""

    __slots__ = ()
    base = int

    @staticmethod
    def make(*args: Any, **keywords: Any) -> int:
        if args and length(args[0]) > MAX_BITS:
            raise OverflowError(f"an int of a text of more than {MAX_BITS:,} characters")
        return check_bits(int(*args, **keywords))


Kind.__name__, Text.__name__, Integer.__name__ = "type", "str", "int"  # as errors show them
