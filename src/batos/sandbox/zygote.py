"""The trial process: forks one confined child for each trial, and holds nothing worth having.

It is a Python of its own with an empty environment, no database, and after its imports no
files. It learns what to try from its one socket; its children have a pipe for what they
found, and nothing else. Started by `jail`, which stays with the owner.

A child can lie about its own trial and no more, so it is never told what is expected.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import time
import traceback
from typing import Any, NoReturn

from batos.errors import SourceRefused, WallsUnavailable
from batos.kernel.authority import write_data_slot
from batos.kernel.message import NOT_UNDERSTOOD, Message, not_understood_error, send
from batos.kernel.method import Method, Primitive
from batos.kernel.runtime import Runtime
from batos.kernel.uvm_object import UvmObject, put
from batos.sandbox import walls
from batos.sandbox.frames import receive_frame, send_frame
from batos.sandbox.meter import METHOD_FILE
from batos.sandbox.namespaces import RANDOM
from batos.sandbox.policy import compile_method
from batos.sandbox.wire import Json
from batos.sandbox.world import Rebuilt, rebuild

OUTCOME_BYTES = 64 * 1024  # the most that one case may answer
OUT_OF_TIME = "out of time"
OUT_OF_MEMORY = "out of memory"

_CHANNEL = 3  # the socket's number, right after the standard files
_FILES = 32  # the most that are open here, so that a child closes them all at once
_ERROR_CHARACTERS = 500
_IMPORTED_LATE = ("_strptime", "encodings.idna", "encodings.latin_1", "unicodedata")
_MISS = "jail.miss"
_REHEARSALS = 5
_REHEARSED = """def rehearse_(self, numbers):
    for number in numbers:
        self.total += number
    return [f"{name!s:>8} {1.5:.2f}" for name in sorted(numbers)]
"""
_REHEARSAL: dict[str, Any] = {
    "selector": "rehearse_",
    "world": [{"oid": "", "sealed": False, "slots": {"total": {"data": 0}}}],
    "cases": [{"args": [["list", 2, 1]], "keywords": {}, "given": {"total": 1}}],
    "seed": 0,
}


def main(descriptor: str) -> None:
    """Serve trials on an inherited socket until its other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the owner
    _warm_up()
    without_walls = _withdraw(int(descriptor))
    channel = socket.socket(fileno=_CHANNEL)
    send_frame(channel, json.dumps({"without_walls": without_walls}).encode())
    while (frame := receive_frame(channel)) is not None:
        send_frame(channel, json.dumps(_try(json.loads(frame))).encode())


# --- before the first trial ---------------------------------------------------------------


def _warm_up() -> None:
    """Import what would be imported late, when there are no files any more.

    The rehearsals bring Python's own caches into the memory that children share.
    """
    for module in _IMPORTED_LATE:
        importlib.import_module(module)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in range(_REHEARSALS):
        _run({**_REHEARSAL, "source": f"{_REHEARSED}    # {number}\n"}, nowhere)
    _run({**_REHEARSAL, "source": "import os"}, nowhere)
    os.close(nowhere)


def _withdraw(descriptor: int) -> str | None:
    """Give up all files but the socket; return why the walls are missing if they are."""
    nothing = os.open(os.devnull, os.O_RDWR)
    channel = os.dup(descriptor)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.dup2(channel, _CHANNEL)
    os.closerange(_CHANNEL + 1, 1 << 16)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))
    gc.collect()
    gc.freeze()  # children share this memory as long as nobody writes to it
    try:
        walls.deny_all_files()
    except WallsUnavailable as error:
        return error.why
    return None


# --- one trial, seen from outside -----------------------------------------------------------


def _try(request: dict[str, Any]) -> dict[str, Any]:
    """Run a trial in a child, and return what it wrote and how it ended."""
    ends = time.monotonic() + request["time_s"]
    most = (len(request["cases"]) + 1) * (OUTCOME_BYTES + 1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _be_the_child(request, writing)
    os.close(writing)
    written, ended = _read(reading, ends, most)
    os.close(reading)
    os.kill(child, signal.SIGKILL)  # whether it has ended or not
    _, status = os.waitpid(child, 0)
    ended = ended or _cause(os.waitstatus_to_exitcode(status))
    return {"ended": ended, "written": written.decode("latin-1")}


def _read(reading: int, ends: float, most: int) -> tuple[bytes, str | None]:
    """Read until the child closes the pipe; also return why reading stopped before that."""
    written = bytearray()
    while len(written) <= most:
        ready, _, _ = select.select([reading], [], [], max(0.0, ends - time.monotonic()))
        if not ready:
            return bytes(written), OUT_OF_TIME
        chunk = os.read(reading, 1 << 16)
        if not chunk:
            return bytes(written), None
        written += chunk
    return b"", "wrote too much"


def _cause(code: int) -> str | None:
    if code == 0:
        return None
    if code == -signal.SIGXCPU:
        return OUT_OF_TIME
    if code in (-signal.SIGKILL, os.EX_OSERR):
        return OUT_OF_MEMORY  # the kernel's choice: nobody else here kills
    return f"signal {-code}" if code < 0 else f"exit code {code}"


# --- one trial, seen from inside -----------------------------------------------------------


def _be_the_child(request: dict[str, Any], writing: int) -> NoReturn:
    code = os.EX_SOFTWARE
    try:
        os.closerange(0, writing)
        os.closerange(writing + 1, _FILES)
        confine = walls.confine_trial if request["walled"] else walls.limit_resources
        confine(request["memory_bytes"], int(request["time_s"]) + 1)
        _run(request, writing)
        code = os.EX_OK
    except MemoryError:
        code = os.EX_OSERR
    finally:
        os._exit(code)


def _run(request: dict[str, Any], writing: int) -> None:
    """Compile the source, then write one line for each case."""
    source, selector = request["source"], request["selector"]
    try:
        defined = compile_method(source).__name__
    except SourceRefused as error:
        _write(writing, {"refused": list(error.reasons)})
        return
    if defined != selector:
        _write(writing, {"refused": [f"line 1: it defines {defined!r}, not {selector!r}"]})
        return
    runtime = Runtime({"kernel.set_slot": write_data_slot, _MISS: _miss}, compile_method)
    method = Method(source, {})
    for number, case in enumerate(request["cases"]):
        RANDOM.seed(f"{request['seed']} {number}")
        world = rebuild(request["world"], runtime)
        _write(writing, _outcome(world, selector, method, case))


def _outcome(world: Rebuilt, selector: str, method: Method, case: dict[str, Any]) -> Json:
    """Send the message to one fresh copy, and return what came of it."""
    try:
        receiver = _prepare(world, selector, method, case["given"])
        before = world.data_slots()
        args = [world.decode(value) for value in case["args"]]
        keywords = {name: world.decode(value) for name, value in case["keywords"].items()}
        answer = world.encode(send(receiver, selector, *args, **keywords))
        outcome: Json = {"result": answer, "changes": _changes(before, world.data_slots())}
        if len(json.dumps(outcome)) <= OUTCOME_BYTES:
            return outcome
        return {"error": f"the answer takes more than {OUTCOME_BYTES} bytes"}
    except BaseException as error:  # whatever a method does, the next case runs
        return {"error": _described(error)}


def _prepare(world: Rebuilt, selector: str, method: Method, given: dict[str, Json]) -> Any:
    receiver = world.receiver
    for name, value in given.items():
        world.give(name, value)
    for obj in world.objects:
        if NOT_UNDERSTOOD in obj._slots:
            put(obj, NOT_UNDERSTOOD, Primitive(_MISS))
    put(receiver, selector, method)
    return receiver


def _miss(receiver: UvmObject, message: Message) -> NoReturn:
    """Fail: nothing grows in a trial."""
    raise not_understood_error(receiver, message.selector)


def _changes(
    before: dict[tuple[int, str], Json], after: dict[tuple[int, str], Json]
) -> list[list[Any]]:
    """Return [object, slot, [new value]] for each slot that differs; [] if it is gone."""
    written = [
        [number, name, [value]]
        for (number, name), value in after.items()
        if (number, name) not in before
        or json.dumps(before[number, name]) != json.dumps(value)  # 1 is not True, nor 1.0
    ]
    removed = [[*place, []] for place in before if place not in after]
    return written + removed


def _described(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return OUT_OF_MEMORY
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename.startswith(METHOD_FILE):
            place = f" (line {line} of {frame.f_code.co_name})"  # the innermost stays
    try:
        said = f"{type(error).__name__}: {error}"
    except Exception:  # nested too deeply to be shown; the next case runs all the same
        said = type(error).__name__
    return said[:_ERROR_CHARACTERS] + place


def _write(writing: int, line: Json) -> None:
    left = json.dumps(line).encode() + b"\n"
    while left:
        left = left[os.write(writing, left) :]
