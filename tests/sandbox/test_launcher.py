"""The launcher: real processes, an owner that dies, and one that was taken over."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from batos.errors import ChildDied
from batos.sandbox import spawner
from batos.sandbox.launcher import Child, Launcher, python_argv

SOURCES = Path(__file__).parents[2] / "src"


def python(code: str) -> tuple[str, ...]:
    opening = "import json, os, socket, sys; peer = socket.socket(fileno=int(sys.argv[-1]));"
    return (sys.executable, "-I", "-S", "-c", opening + code)


COMMANDS = {
    "echo": python("[peer.sendall(said) for said in iter(lambda: peer.recv(99), b'')]"),
    "leave": python("sys.exit(3)"),
    "describe": python(
        "found = {'environment': dict(os.environ), 'fds': os.listdir('/proc/self/fd'),"
        " 'stdio': [os.readlink(f'/proc/self/fd/{n}') for n in (0, 1, 2)],"
        " 'parent': os.getppid(), 'peer': sys.argv[-1]};"
        " peer.sendall(json.dumps(found).encode())"
    ),
    "missing": ("/no/such/program",),
}


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    launcher = Launcher(COMMANDS)
    yield launcher
    launcher.close()


def echoed(child: Child, said: bytes = b"hello") -> bytes:
    child.socket.settimeout(10)
    child.socket.sendall(said)
    return child.socket.recv(99)


def ended(pid: int, within_s: float = 10) -> bool:
    """Wait for any process of this machine to end, and tell whether it did."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], within_s)[0])
    finally:
        os.close(descriptor)


def description(launcher: Launcher) -> dict[str, object]:
    child = launcher.spawn("describe")
    with child.socket, child.socket.makefile("rb") as answer:
        found: dict[str, object] = json.load(answer)
        return found


# --- children ----------------------------------------------------------------------------


def test_a_child_talks_over_the_socket_that_it_was_given(launcher: Launcher) -> None:
    with launcher.spawn("echo").socket as channel:
        channel.sendall(b"hello")

        assert channel.recv(99) == b"hello"


def test_a_child_has_nothing_but_its_socket_and_a_small_environment() -> None:
    launcher = Launcher(COMMANDS, environment={"ONLY": "this"})

    found = description(launcher)
    launcher.close()

    assert set(found["environment"]) <= {"ONLY", "LC_CTYPE"}  # type: ignore[call-overload]
    assert found["stdio"] == ["/dev/null"] * 3
    listing = 1  # the descriptor of the folder that was listed
    assert len(found["fds"]) == 3 + 1 + listing  # type: ignore[arg-type]
    assert found["peer"] in found["fds"]  # type: ignore[operator]


def test_the_owner_does_not_pass_a_childs_socket_on(launcher: Launcher) -> None:
    with launcher.spawn("echo").socket as channel:
        assert not channel.get_inheritable()


def test_killing_a_child_waits_until_it_is_gone(launcher: Launcher) -> None:
    child = launcher.spawn("echo")
    with child.socket:
        echoed(child)

        child.kill()

        assert not Path(f"/proc/{child.pid}").exists()
        assert child.why_it_died() == "signal 9"
        child.kill()  # and twice is as good as once


def test_a_child_that_leaves_is_known_by_its_exit_status(launcher: Launcher) -> None:
    child = launcher.spawn("leave")
    with child.socket:
        assert child.socket.recv(1) == b""

        assert child.why_it_died() == "exit status 3"


def test_a_child_that_runs_on_has_not_died(launcher: Launcher) -> None:
    child = launcher.spawn("echo")
    with child.socket:
        echoed(child)

        assert child.why_it_died() == "it closed its socket"


def test_children_that_end_leave_no_zombies(launcher: Launcher) -> None:
    children = [launcher.spawn("leave") for _ in range(10)]
    for child in children:
        with child.socket:
            child.socket.recv(1)

    assert {child.why_it_died() for child in children} == {"exit status 3"}
    assert not any(Path(f"/proc/{child.pid}").exists() for child in children)


def test_several_threads_may_spawn_at_once(launcher: Launcher) -> None:
    def talk(number: int) -> bytes:
        child = launcher.spawn("echo")
        with child.socket:
            answer = echoed(child, f"from {number}".encode())
            child.kill()
        return answer

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(talk, range(24)))

    assert answers == [f"from {number}".encode() for number in range(24)]


def test_an_isolated_python_finds_the_packages_that_it_needs() -> None:
    launcher = Launcher({"mind": python_argv("json.tool", ("batos", "no_such_package"))})
    argv = launcher._commands["mind"]

    assert str(SOURCES) in argv[-1].split(":")


# --- the table ---------------------------------------------------------------------------


def test_a_name_outside_the_table_is_the_callers_mistake(launcher: Launcher) -> None:
    with pytest.raises(ValueError, match="'sh': wanted one of echo, leave"):
        launcher.spawn("sh")


def test_a_command_without_an_absolute_path_is_refused() -> None:
    with pytest.raises(ValueError, match="absolute path"):
        Launcher({"sh": ("sh",)})


def test_a_program_that_is_not_there_is_named(launcher: Launcher) -> None:
    with pytest.raises(ChildDied, match="No such file"):
        launcher.spawn("missing")
    with launcher.spawn("echo").socket:
        pass  # the launcher goes on


@pytest.mark.parametrize(
    "line",
    ["spawn /bin/sh", "spawn ", "kill -1", f"kill {os.getpid()}", "ended 99", "exec sh", ""],
)
def test_a_hostile_owner_starts_and_ends_nothing_else(launcher: Launcher, line: str) -> None:
    child = launcher.spawn("echo")
    with child.socket:
        control = launcher._control
        assert control is not None

        assert control.ask(line).startswith("refused")
        assert echoed(child) == b"hello"


def test_a_hostile_owner_can_start_only_so_many_at_once(launcher: Launcher) -> None:
    children = [launcher.spawn("echo") for _ in range(spawner.MAX_CHILDREN)]

    with pytest.raises(ChildDied, match="32 children are running"):
        launcher.spawn("echo")

    children[0].kill()
    children.append(launcher.spawn("echo"))
    for child in children:
        child.socket.close()


def test_an_endless_line_ends_the_launcher_and_not_its_memory(launcher: Launcher) -> None:
    child = launcher.spawn("echo")
    control = launcher._control
    assert control is not None

    with pytest.raises(ChildDied):
        control.ask("x" * 100_000)

    assert ended(child.pid)
    child.socket.close()


# --- the end -----------------------------------------------------------------------------


def test_closing_ends_the_children_and_a_new_start_begins_anew(launcher: Launcher) -> None:
    child = launcher.spawn("echo")
    parent = description(launcher)["parent"]

    launcher.close()

    with child.socket:
        assert not Path(f"/proc/{child.pid}").exists()
        assert child.why_it_died() == "its launcher ended"
        child.kill()
    assert description(launcher)["parent"] != parent


def test_starting_twice_starts_one_process(launcher: Launcher) -> None:
    launcher.start()
    parent = description(launcher)["parent"]
    launcher.start()

    assert description(launcher)["parent"] == parent


OWNER = """
import os, signal, sys
from batos.sandbox.launcher import Launcher
launcher = Launcher({"echo": tuple(sys.argv[2:])})
children = [launcher.spawn("echo") for _ in range(3)]
print(launcher._control._process.pid, *(child.pid for child in children), flush=True)
if sys.argv[1] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("how", ["killed", "ends without closing"])
def test_when_the_owner_ends_nothing_is_left(how: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", OWNER, how, *COMMANDS["echo"]],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
        check=False,
    )

    pids = list(map(int, found.stdout.split()))
    assert len(pids) == 4
    assert all(ended(pid) for pid in pids)


def test_a_launcher_that_was_killed_is_replaced_where_that_is_possible(
    launcher: Launcher,
) -> None:
    child = launcher.spawn("echo")
    os.kill(int(str(description(launcher)["parent"])), signal.SIGKILL)
    with pytest.raises(ChildDied):
        launcher.spawn("echo")

    with launcher.spawn("echo").socket as channel:
        channel.sendall(b"again")
        assert channel.recv(99) == b"again"
    child.socket.close()
    assert ended(child.pid)  # a child ends with its socket


WALLED_OWNER = """
import sys
from pathlib import Path
from batos.sandbox import walls
from batos.sandbox.launcher import Launcher
launcher = Launcher({"echo": tuple(sys.argv[2:])})
launcher.start()
walls.confine_owner(read=walls.python_paths(), write=[Path(sys.argv[1])])
child = launcher.spawn("echo")
child.socket.sendall(b"through the wall")
print(child.socket.recv(99).decode())
child.kill()
print(child.why_it_died())
launcher.close()
"""


@pytest.mark.walls
def test_an_owner_inside_its_walls_still_starts_and_kills(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", WALLED_OWNER, str(tmp_path), *COMMANDS["echo"]],
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
        check=False,
        text=True,
    )

    assert found.stdout.splitlines() == ["through the wall", "signal 9"], found.stderr
    assert found.returncode == 0


def test_the_spawner_reads_the_table_that_the_launcher_wrote() -> None:
    words = ["a", "2", "/bin/x", "1", "b", "1", "/bin/y"]

    assert spawner.commands_from(words) == {"a": ["/bin/x", "1"], "b": ["/bin/y"]}
