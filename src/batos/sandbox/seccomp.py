"""Seccomp: system calls that a process can no longer make.

A filter is a small program that the kernel runs before every system call. It is written
here as a table, name of the call to what becomes of it, and assembled for x86_64. The
tables are `walls`' business.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from batos.sandbox import syscalls

ALLOW = 0x7FFF_0000
KILL = 0x8000_0000  # the whole process, by SIGSYS


def refuse(error: int) -> int:
    """Return the verdict "do nothing and answer this error"; 0 pretends that it was done."""
    return 0x0005_0000 | error


class Op(IntEnum):
    """The instructions of the kernel's filter machine that are needed here."""

    LOAD = 0x20  # a 32-bit word of the call's description
    JUMP_IF_EQUAL = 0x15
    JUMP_IF_AT_LEAST = 0x35
    JUMP_IF_ANY_BIT = 0x45
    RETURN = 0x06


@dataclass(frozen=True)
class When:
    """A verdict that depends on the lower half of one argument of the call."""

    argument: int  # counted from 0
    values: tuple[int, ...]
    then: int | When  # the verdict if it equals one of the values, or the next question
    otherwise: int
    test: Op = Op.JUMP_IF_EQUAL  # or JUMP_IF_ANY_BIT


Table = Mapping[str, int | When]

_SET_MODE_FILTER, _ALL_THREADS = 1, 1  # of seccomp(2)
_MODE_FILTER = 2  # of prctl(2), which alone says by its error whether filters exist
_PR_GET_SECCOMP = 21
_PR_SET_SECCOMP = 22
_ARCHITECTURE_X86_64 = 0xC000_003E
_FIRST_X32_CALL = 0x4000_0000  # a second numbering of the same calls, unused today
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16  # in the call's description


def available() -> bool:
    """Tell whether this kernel takes filters, without installing one."""
    try:
        syscalls.prctl(_PR_GET_SECCOMP)
        syscalls.prctl(_PR_SET_SECCOMP, _MODE_FILTER, None)
    except OSError as error:
        return error.errno == errno.EFAULT  # it looked for the filter that was not given
    return False


def install(table: Table, default: int, unknown: int) -> None:
    """Filter this process's system calls for ever, in all of its threads.

    Args:
        table: What becomes of the calls that are named.
        default: The verdict on calls that the table does not name.
        unknown: The verdict on calls that are newer than this module.

    Raises:
        OSError: The kernel refuses (`no_new_privs` has to be set first).
    """
    instructions = assemble(table, default, unknown)
    memory = ctypes.create_string_buffer(b"".join(instructions), 8 * len(instructions))
    program = struct.pack("HxxxxxxQ", len(instructions), ctypes.addressof(memory))
    if syscalls.call("seccomp", _SET_MODE_FILTER, _ALL_THREADS, program) != 0:
        raise OSError(errno.EBUSY, "seccomp: a thread has a filter of its own")


def assemble(table: Table, default: int, unknown: int) -> list[bytes]:
    """Return the filter's instructions."""
    program = [
        _step(Op.LOAD, _ARCHITECTURE_AT),
        _step(Op.JUMP_IF_EQUAL, _ARCHITECTURE_X86_64, yes=1),
        _step(Op.RETURN, KILL),
        _step(Op.LOAD, _NUMBER_AT),
        _step(Op.JUMP_IF_AT_LEAST, _FIRST_X32_CALL, no=1),
        _step(Op.RETURN, KILL),
        _step(Op.JUMP_IF_AT_LEAST, syscalls.LAST_KNOWN + 1, no=1),
        _step(Op.RETURN, unknown),
    ]
    for name, verdict in table.items():
        steps = _deciding(verdict)
        program += [_step(Op.JUMP_IF_EQUAL, syscalls.NUMBERS[name], no=len(steps)), *steps]
    return [*program, _step(Op.RETURN, default)]


def _deciding(verdict: int | When) -> list[bytes]:
    """Return the instructions that end in a verdict on a call that is the right one."""
    if isinstance(verdict, int):
        return [_step(Op.RETURN, verdict)]
    tests_left = range(len(verdict.values), 0, -1)  # and the other verdict is one step
    return [
        _step(Op.LOAD, _ARGUMENTS_AT + 8 * verdict.argument),
        *(
            _step(verdict.test, value, yes=to_the_end)
            for value, to_the_end in zip(verdict.values, tests_left, strict=True)
        ),
        _step(Op.RETURN, verdict.otherwise),
        *_deciding(verdict.then),
    ]


def _step(op: Op, operand: int, yes: int = 0, no: int = 0) -> bytes:
    """Encode one instruction; `yes` and `no` are how many to skip after a test."""
    return struct.pack("HBBI", op, yes, no, operand)
