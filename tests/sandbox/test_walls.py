"""The walls, tried from inside: each test confines a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from batos.errors import WallsUnavailable
from batos.sandbox import landlock, walls

SOURCES = Path(walls.__file__).parents[2]

pytestmark = pytest.mark.walls

ATTEMPT = """
import ctypes, errno, fcntl, json, os, pty, signal, socket, subprocess, sys, tempfile, threading
from pathlib import Path
from batos.sandbox import walls

def attempt(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

def syscall(number, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")
"""


def run(code: str, *args: object) -> subprocess.CompletedProcess[str]:
    """Run a program that has `ATTEMPT` before it."""
    return subprocess.run(
        [sys.executable, "-c", ATTEMPT + dedent(code), *map(str, args)],
        env={"PYTHONPATH": str(SOURCES), "CANARY": "secret"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def answer_of(code: str, *args: object) -> dict[str, Any]:
    """Run a program that prints JSON, and return that."""
    done = run(code, *args)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# --- the owner ----------------------------------------------------------------------------

OWNER = """
inside, outside = map(Path, sys.argv[1:])
terminal, _ = pty.openpty()
listener = socket.socket(socket.AF_UNIX)
listener.bind(str(outside / "socket"))
listener.listen()
parent = os.getppid()
walls.confine_owner([*walls.python_paths(), outside / "readable"], [inside])
"""

OWNER_ATTEMPTS = """
def connect():
    first, _ = socket.socketpair()
    syscall(42, first.fileno(), None, 0)

program = inside / "program"
program.write_text("#!/bin/sh\\n")
(inside / "link").symlink_to("/etc/passwd")
attempts = {
    "read a file outside": lambda: open("/etc/passwd"),
    "list a folder outside": lambda: os.listdir("/etc"),
    "follow a symbolic link outside": lambda: open(inside / "link"),
    "go round by /proc/self/root": lambda: open("/proc/self/root/etc/passwd"),
    "read another process's environment": lambda: open(f"/proc/{parent}/environ"),
    "write to a readable file": lambda: open(outside / "readable", "w"),
    "make a file outside": lambda: open(outside / "new", "w"),
    "remove a file outside": lambda: os.remove(outside / "readable"),
    "truncate a file outside": lambda: os.truncate(outside / "readable", 0),
    "bring a file in by a hard link": lambda: os.link(outside / "secret", inside / "secret"),
    "move a file out": lambda: os.rename(program, outside / "program"),
    "change an owner": lambda: os.chown(program, 1, 1),
    "change a time": lambda: os.utime(outside / "readable"),
    "set an attribute": lambda: os.setxattr(outside / "readable", "user.x", b"1"),
    "make a device": lambda: os.mknod(inside / "disk", 0o60600, os.makedev(8, 0)),
    "execute a program": lambda: os.execv("/bin/true", ["true"]),
    "execute what it wrote": lambda: os.execv(program, ["program"]),
    "start a program": lambda: subprocess.run(["true"]),
    "spawn a program": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "fork": os.fork,
    "open a TCP socket": lambda: socket.socket(),
    "open a UDP socket": lambda: socket.socket(type=socket.SOCK_DGRAM),
    "open a Unix socket": lambda: socket.socket(socket.AF_UNIX),
    "make a pair of datagram sockets": lambda: socket.socketpair(type=socket.SOCK_DGRAM),
    "connect": connect,
    "signal its parent": lambda: os.kill(parent, 0),
    "signal every process": lambda: os.kill(-1, 0),
    "signal a thread of its parent": lambda: syscall(234, parent, parent, 0),
    "open its parent as a descriptor": lambda: os.pidfd_open(parent),
    "trace its parent": lambda: syscall(101, 16, parent, 0, 0),
    "read its parent's memory": lambda: syscall(310, parent, None, 0, None, 0, 0),
    "change its parent's limits": lambda: syscall(302, parent, 7, None, None),
    "type into the terminal": lambda: fcntl.ioctl(terminal, 0x5412, b"x"),
    "send signals by way of a file": lambda: fcntl.fcntl(terminal, fcntl.F_SETOWN, parent),
    "unshare": lambda: syscall(272, 0x10000000),
    "mount": lambda: syscall(165, None, None, None, 0, None),
    "chroot": lambda: os.chroot(inside),
    "become somebody else": lambda: os.setuid(1),
    "use io_uring": lambda: syscall(425, 1, None),
    "make shared memory": lambda: syscall(29, 0, 4096, 0o600),
    "load a BPF program": lambda: syscall(321, 0, None, 0),
    "clone a process": lambda: syscall(56, signal.SIGCHLD, None, None, None, None),
    "clone a process by its newest call": lambda: syscall(435, None, 0),
    "execute what is in memory": lambda: syscall(322, 1, b"", None, None, 0x1000),
    "make a file in memory": lambda: os.memfd_create("x"),
    "make a secret in memory": lambda: syscall(447, 0),
    "write its parent's memory": lambda: syscall(311, parent, None, 0, None, 0, 0),
    "take its parent's descriptor": lambda: syscall(438, 0, 0, 0),
    "look for its parent's locks": lambda: syscall(274, parent, None, None),
    "compare with its parent": lambda: syscall(312, parent, parent, 0, 0, 0),
    "ask for a kernel's key": lambda: syscall(250, 0, -3, 0),
    "add a kernel's key": lambda: syscall(248, b"user", b"x", b"x", 1, -3),
    "handle page faults": lambda: syscall(323, 0),
    "measure": lambda: syscall(298, None, 0, -1, -1, 0),
    "read by the kernel's old queue": lambda: syscall(206, 1, None),
    "use somebody's semaphore": lambda: syscall(65, 0, None, 0),
    "remove somebody's semaphore": lambda: syscall(66, 0, 0, 0),
    "remove somebody's queue": lambda: syscall(71, 0, 0, None),
    "watch a folder outside": lambda: syscall(254, 0, b"/etc", 2),
    "name a file by its handle": lambda: syscall(303, -100, b"/etc/passwd", None, None, 0),
    "list the mounts": lambda: syscall(458, None, None, 0, 0),
    "load a terminal's driver": lambda: fcntl.ioctl(terminal, 0x5423, b"x" * 4),
    "open a netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "open a packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "open a virtual machine's socket": lambda: socket.socket(socket.AF_VSOCK),
    "make a pair of another family": lambda: syscall(53, 30, 1, 0, None),
    "make a system call of tomorrow": lambda: syscall(470),
}
print(json.dumps({name: attempt(action) for name, action in attempts.items()}))
"""

REFUSED = {
    **dict.fromkeys(
        (
            "read a file outside",
            "list a folder outside",
            "follow a symbolic link outside",
            "go round by /proc/self/root",
            "read another process's environment",
            "write to a readable file",
            "make a file outside",
            "remove a file outside",
        ),
        "EACCES",
    ),
    "bring a file in by a hard link": "EXDEV",
    "move a file out": "EACCES",
    "clone a process by its newest call": "ENOSYS",
    "make a system call of tomorrow": "ENOSYS",
}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "readable").write_text("unchanged")
    (folder / "secret").write_text("secret")
    return folder


@pytest.fixture(scope="module")
def attempts(outside: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return answer_of(OWNER + OWNER_ATTEMPTS, tmp_path_factory.mktemp("inside"), outside)


def test_an_owner_is_refused_every_way_out(attempts: dict[str, str], outside: Path) -> None:
    expected = {name: REFUSED.get(name, "EPERM") for name in attempts}

    assert attempts == expected
    assert (outside / "readable").read_text() == "unchanged"
    assert {file.name for file in outside.iterdir()} == {"readable", "secret", "socket"}


def test_an_owner_still_does_its_own_work(tmp_path: Path, outside: Path) -> None:
    code = """
    def write_durably():
        with open(inside / "data", "w") as file:
            file.write("x"); file.flush(); os.fsync(file.fileno())
        os.truncate(os.open(inside / "data", os.O_RDWR), 0)
        (inside / "sub").mkdir()
        (inside / "data").rename(inside / "sub" / "moved")
        (inside / "sub" / "moved").unlink()
        with tempfile.TemporaryFile(dir=inside) as file:
            file.write(b"x")

    def run_a_thread():
        ran = []
        thread = threading.Thread(target=lambda: ran.append(1))
        thread.start(); thread.join()
        assert ran

    def import_late():
        import decimal, sqlite3, wsgiref, zoneinfo, click
        zoneinfo.ZoneInfo("Europe/Vienna")

    def use_a_loop():
        import asyncio
        asyncio.run(asyncio.sleep(0))

    def take_a_caller():
        assert listener.fileno() > 0
        listener.setblocking(False)
        try: listener.accept()
        except BlockingIOError: pass

    def signal_itself():
        signal.signal(signal.SIGUSR1, lambda *_: None)
        os.kill(os.getpid(), signal.SIGUSR1)
        signal.raise_signal(signal.SIGUSR1)

    actions = [
        *(write_durably, run_a_thread, import_late, use_a_loop, take_a_caller, signal_itself),
        lambda: open("/dev/null", "w").write("x"),
        lambda: open("/dev/urandom", "rb").read(1),
        *(lambda: open("/proc/self/status").read(), lambda: os.chmod(inside, 0o700)),
        lambda: open(outside / "readable").read(),
    ]
    print(json.dumps({str(n): attempt(action) for n, action in enumerate(actions)}))
    """

    socketless = tmp_path / "elsewhere"
    socketless.mkdir()
    (socketless / "readable").write_text("x")
    (tmp_path / "inside").mkdir()
    found = answer_of(OWNER + dedent(code), tmp_path / "inside", socketless)

    assert set(found.values()) == {"done"}, found


def test_an_owner_changes_no_mode_though_it_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    file.chmod(0o600)

    done = run(
        "walls.confine_owner(walls.python_paths(), []); os.chmod(sys.argv[1], 0o777)", file
    )

    assert (done.returncode, file.stat().st_mode & 0o777) == (0, 0o600)


def test_a_walled_universe_commits_objects_savepoints_and_blobs(tmp_path: Path) -> None:
    code = """
    import transaction
    from ZODB.DB import DB
    from ZODB.FileStorage import FileStorage
    from ZODB.blob import Blob
    from batos.kernel.uvm_object import UvmObject

    folder = Path(sys.argv[1])
    tempfile.tempdir = str(folder)
    walls.confine_owner(walls.python_paths(), [folder])
    def open_it():
        return DB(FileStorage(str(folder / "Data.fs"), blob_dir=str(folder / "blobs")))
    database = open_it()
    with database.transaction() as connection:
        connection.root()["account"] = UvmObject(balance=1)
        transaction.savepoint()
        connection.root()["blob"] = Blob(b"weights")
        connection.transaction_manager.savepoint()
        connection.root()["account"].balance = 2
    database.pack()
    database.close()
    with open_it().transaction() as connection:
        root = connection.root()
        print(json.dumps({"balance": root["account"].balance,
            "blob": root["blob"].open().read().decode()}))
    """

    assert answer_of(code, tmp_path) == {"balance": 2, "blob": "weights"}


def test_an_owner_that_takes_too_much_memory_gets_an_error() -> None:
    code = """
    walls.confine_owner(walls.python_paths(), [], memory_bytes=64 << 20)
    found = {"little": len(bytearray(32 << 20))}
    try:
        bytearray(256 << 20)
    except MemoryError:
        found["much"] = "refused"
    print(json.dumps(found))
    """

    assert answer_of(code) == {"little": 32 << 20, "much": "refused"}


# --- the trial ----------------------------------------------------------------------------

TRIAL = """
parent = os.getppid()
free, other = socket.socketpair()
walls.deny_all_files()
walls.confine_trial(memory_bytes=1 << 30, cpu_s=1)
"""


@pytest.mark.parametrize(
    "attack",
    [
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "subprocess.run(['true'])",
        "socket.socket()",
        "socket.socketpair()",
        "free.send(b'x')",
        "os.kill(parent, 9)",
        "os.kill(os.getpid(), 0)",
        "syscall(101, 16, parent, 0, 0)",
        "threading.Thread(target=print).start()",
        "os.pipe()",
        "os.dup2(1, 9)",
        "os.unlink('/tmp/x')",
        "os.mkdir('/tmp/x')",
        "os.chmod('/etc/passwd', 0o777)",
        "os.memfd_create('x')",
        "os.setuid(1)",
        "syscall(425, 1, None)",  # io_uring
        "syscall(56, 17, None, None, None, None)",  # clone
        "syscall(435, None, 0)",  # clone3
        "syscall(322, 1, b'', None, None, 0x1000)",  # execveat
        "syscall(310, parent, None, 0, None, 0, 0)",  # process_vm_readv
        "syscall(438, 0, 0, 0)",  # pidfd_getfd
        "syscall(250, 0, -3, 0)",  # keyctl
        "syscall(323, 0)",  # userfaultfd
        "syscall(298, None, 0, -1, -1, 0)",  # perf_event_open
        "syscall(321, 0, None, 0)",  # bpf
        "syscall(66, 0, 0, 0)",  # semctl
        "syscall(53, 1, 1, 0, None)",  # socketpair
        "syscall(329, None, 0, 4, -1)",  # pkey_mprotect
        "syscall(157, 4, 1)",  # prctl
        "syscall(470)",
        "syscall(0x40000000 + 39)",
    ],
)
def test_a_trial_that_reaches_out_is_killed(attack: str) -> None:
    done = run(TRIAL + "\nprint('inside', flush=True)\n" + attack + "\nprint('escaped')")

    assert (done.returncode, done.stdout) == (-signal.SIGSYS, "inside\n")


def test_a_trial_runs_no_machine_code_that_it_brings() -> None:
    code = """
    import mmap
    plain = mmap.mmap(-1, 4096)
    address = ctypes.addressof(ctypes.c_char.from_buffer(plain))
    print(json.dumps({
        "map": attempt(lambda: mmap.mmap(-1, 4096, prot=7)),
        "turn into code": attempt(lambda: syscall(10, ctypes.c_void_p(address), 4096, 5)),
    }), flush=True)
    os._exit(0)
    """

    assert set(
        answer_of(TRIAL.replace("free,", "import mmap\nfree,") + dedent(code)).values()
    ) == {"EACCES"}


def test_the_numbering_of_32_bit_programs_is_closed(tmp_path: Path) -> None:
    code = """
    import mmap
    memory = mmap.mmap(-1, 4096, prot=7)
    memory.write(bytes.fromhex("b814000000cd80c3"))  # eax = getpid; int 0x80; return
    call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
    walls.confine_owner(walls.python_paths(), [])
    print("inside", flush=True)
    call()
    print("escaped")
    """

    done = run(code)

    assert done.stdout == "inside\n"
    assert done.returncode in (-signal.SIGSYS, -signal.SIGSEGV)  # without it, the processor


def test_the_numbering_of_x32_is_closed() -> None:
    done = run("walls.confine_owner(walls.python_paths(), [])\nsyscall(0x40000000 + 39)")

    assert done.returncode == -signal.SIGSYS


def test_a_trial_sees_no_file() -> None:
    code = """
    paths = ("/etc/passwd", "/tmp", "/proc/self/mem")
    found = {path: attempt(lambda: open(path)) for path in paths}
    found["listing"] = attempt(lambda: os.listdir("/"))
    found["looking"] = attempt(lambda: os.stat("/etc/passwd"))
    print(json.dumps(found), flush=True)
    os._exit(0)
    """

    found = answer_of(TRIAL + dedent(code))

    assert set(found.values()) == {"EACCES"}, found


def test_a_trial_that_computes_too_long_is_ended_by_the_kernel() -> None:
    done = run(TRIAL + "\nwhile True: pass")

    assert done.returncode in (-signal.SIGXCPU, -signal.SIGKILL)


def test_a_trial_that_takes_too_much_memory_gets_an_error() -> None:
    code = """
    try:
        b"x" * (10 << 30)
    except MemoryError:
        os._exit(42)
    """

    assert run(TRIAL + dedent(code)).returncode == 42


# --- the reader ---------------------------------------------------------------------------


def test_a_reader_listens_and_reads_and_reaches_nobody(tmp_path: Path) -> None:
    code = """
    folder = Path(sys.argv[1])
    (folder / "weights").write_text("x")
    outside = socket.socket(socket.AF_UNIX)
    outside.bind(str(folder / "docker.sock")); outside.listen()
    caller = socket.socket(socket.AF_UNIX); caller.connect(str(folder / "docker.sock"))
    parent = os.getppid()
    walls.confine_reader([*walls.python_paths(), folder / "weights"], [folder / "run"])

    def listen():
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(folder / "run" / "socket")); server.listen()

    def answer():
        thread = threading.Thread(target=lambda: outside.accept()[0].sendall(b"x"))
        thread.start(); caller.recv(1); thread.join()

    def call():
        socket.socket(socket.AF_UNIX).connect(str(folder / "docker.sock"))

    print(json.dumps({
        "read": attempt(lambda: open(folder / "weights").read()),
        "listen": attempt(listen),
        "answer who calls": attempt(answer),
        "write to what it reads": attempt(lambda: open(folder / "weights", "w")),
        "look elsewhere": attempt(lambda: open("/etc/passwd")),
        "execute": attempt(lambda: os.execv("/bin/true", ["true"])),
        "fork": attempt(os.fork),
        "call somebody": attempt(call),
        "send a letter": attempt(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)),
        "open a TCP socket": attempt(lambda: socket.socket()),
        "open a UDP socket": attempt(lambda: socket.socket(type=socket.SOCK_DGRAM)),
        "signal its parent": attempt(lambda: os.kill(parent, 0)),
        "trace its parent": attempt(lambda: syscall(101, 16, parent, 0, 0)),
        "read its parent's memory": attempt(lambda: syscall(310, parent, None, 0, None, 0, 0)),
        "may grow methods": walls.confined(),
    }))
    """
    (tmp_path / "run").mkdir()

    found = answer_of(code, tmp_path)

    refused = dict.fromkeys(found, "EPERM")
    assert found == refused | {
        "read": "done",
        "listen": "done",
        "answer who calls": "done",
        "write to what it reads": "EACCES",
        "look elsewhere": "EACCES",
        "may grow methods": False,
    }


# --- all or nothing -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "read"),
    [
        ("threading.Thread(target=threading.Event().wait, daemon=True).start()", "[]"),
        ("", "[Path('/no/such/place')]"),
        ("walls.landlock.abi = lambda: 0", "[]"),
        ("walls.seccomp.available = lambda: False", "[]"),
    ],
    ids=["a second thread", "a missing path", "no Landlock", "no seccomp"],
)
def test_a_missing_wall_confines_nothing(before: str, read: str) -> None:
    code = f"""
    {before}
    try:
        walls.confine_owner({read}, [])
    except walls.WallsUnavailable as error:
        why = str(error)
    print(json.dumps({{
        "why": why,
        "confined": walls.confined(),
        "read": attempt(lambda: open("/etc/passwd")),
        "fork": attempt(lambda: subprocess.run("true")),
    }}))
    """

    found = answer_of(code)

    assert "No walls here" in found["why"]
    assert (found["confined"], found["read"], found["fork"]) == (False, "done", "done")


def test_a_confined_process_says_so() -> None:
    code = """
    before = walls.confined()
    walls.confine_owner([], [])
    print(json.dumps({"before": before, "after": walls.confined()}))
    """

    assert answer_of(code) == {"before": False, "after": True}


def test_asking_whether_there_are_walls_confines_nothing() -> None:
    assert walls.why_unavailable() is None
    assert not walls.confined()
    assert Path("/etc/passwd").read_text()


@pytest.mark.parametrize(
    ("platform", "machine", "why"),
    [("darwin", "arm64", "Linux's"), ("linux", "aarch64", "x86_64")],
)
def test_other_systems_are_told_why_they_have_no_walls(
    monkeypatch: pytest.MonkeyPatch, platform: str, machine: str, why: str
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr("platform.machine", lambda: machine)

    assert why in str(walls.why_unavailable())
    with pytest.raises(WallsUnavailable, match=why):
        walls.confine_owner([], [])


@pytest.mark.parametrize(("ci", "ends"), [("true", "1 error"), ("", "1 skipped")])
def test_a_test_that_needs_walls_is_never_skipped_in_ci(ci: str, ends: str) -> None:
    code = """
    import pytest
    walls.why_unavailable = lambda: "a test takes them away"
    test = f"{sys.argv[1]}::test_a_confined_process_says_so"
    pytest.main([test, "-c", sys.argv[2], "-p", "no:cacheprovider"])
    """
    settings = Path(__file__).parents[2] / "pyproject.toml"

    done = run("os.environ['CI'] = sys.argv[3]\n" + dedent(code), __file__, settings, ci)

    assert ends in done.stdout
    assert "a test takes them away" in done.stdout or not ci


def test_an_old_kernel_is_asked_only_for_what_it_can_forbid() -> None:
    assert not landlock.known_accesses(1) & landlock.Access.REFER
    assert landlock.Access.TRUNCATE not in landlock.known_accesses(2)
    assert landlock.Access.IOCTL_DEV in landlock.known_accesses(7)
