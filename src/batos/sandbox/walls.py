"""The walls: what a process may still do once it runs methods that a mind wrote.

Ring 3, and the floor under the trial jail. The language gate keeps honest mistakes away;
it is no boundary. The boundary is the kernel's: Landlock for files and TCP, seccomp for
system calls, resource limits. A wall is never taken down again, every process started
later is born inside it, and a process gets all of its walls or none.

What is not covered: faults in CPython or the kernel, a file's existence, size and times,
and whatever was open before. Landlock confines one thread and those it starts, so a
process walls itself in while it has only one.
"""

from __future__ import annotations

import errno
import os
import platform
import resource
import site
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from batos.errors import WallsUnavailable
from batos.sandbox import landlock, seccomp, syscalls
from batos.sandbox.seccomp import ALLOW, KILL, Op, Table, When, refuse

_PR_SET_NO_NEW_PRIVS = 38
_CLONE_THREAD = 0x0001_0000
_TERMINAL = (0x5412, 0x541C, 0x5423)  # TIOCSTI, TIOCLINUX type into it; TIOCSETD loads drivers
_SET_OWNER = (0x8901, 0x8902)  # FIOSETOWN and SIOCSPGRP: signals by way of a file
_F_SETOWN, _F_SETOWN_EX = 8, 15
_UNIX = 1  # the family of sockets
_STREAMS = (1, 0o2000001, 0o4001, 0o2004001)  # the type, and flags: closed and nonblocking

_DENIED = refuse(errno.EPERM)
_DONE = refuse(0)  # ZODB makes its blobs read-only, and gives up a commit where it cannot
_ABSENT = refuse(errno.ENOSYS)  # the C library then takes an older call that is judged here

_WAYS_OUT = (
    *("execve", "execveat", "fork", "vfork", "uselib", "memfd_create"),
    "memfd_secret",
    *("socket", "connect", "bind", "listen", "ptrace", "process_vm_readv"),
    *("process_vm_writev", "process_madvise", "process_mrelease", "kcmp", "userfaultfd"),
    *("pidfd_open", "pidfd_getfd", "pidfd_send_signal", "tkill", "rt_sigqueueinfo"),
    *("rt_tgsigqueueinfo", "setpriority", "ioprio_set", "sched_setparam"),
    *("sched_setscheduler", "sched_setattr", "sched_setaffinity", "migrate_pages"),
    *("move_pages", "get_robust_list", "shmget", "shmat", "shmctl", "semget", "semop"),
    *("semtimedop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink"),
    *("io_setup", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    # Landlock does not judge these, and they reach files outside.
    *("fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "utime"),
    *("utimes", "futimesat", "utimensat", "setxattr", "lsetxattr", "fsetxattr"),
    *("removexattr", "lremovexattr", "fremovexattr", "truncate", "mknod", "mknodat"),
    *("name_to_handle_at", "open_by_handle_at", "fanotify_init", "inotify_add_watch"),
    *("setuid", "setgid", "setreuid", "setregid", "setgroups", "setresuid", "setresgid"),
    *("setfsuid", "setfsgid", "capset", "personality", "keyctl", "add_key", "request_key"),
    *("mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "open_tree"),
    *("move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"),
    *("statmount", "listmount"),
    *("bpf", "perf_event_open", "init_module", "finit_module", "delete_module"),
    *("kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "settimeofday"),
    *("clock_settime", "adjtimex", "clock_adjtime", "sethostname", "setdomainname"),
    *("iopl", "ioperm", "modify_ldt", "quotactl", "quotactl_fd", "acct", "syslog"),
    "vhangup",
)
_COMPUTING = (
    *("read", "write", "close", "fstat", "lseek", "munmap", "brk"),
    *("mremap", "madvise", "futex", "getrandom", "getpid", "gettid", "getrusage"),
    *("clock_gettime", "clock_getres", "gettimeofday", "time", "rt_sigaction"),
    *("rt_sigprocmask", "rt_sigreturn", "sigaltstack", "setitimer", "getitimer"),
    *("sched_yield", "exit", "exit_group"),
)
_ASKED_BY_PYTHON = (  # a module imported late, a look at a file: an error, not the end
    *("open", "openat", "stat", "lstat", "newfstatat", "statx", "access", "faccessat2"),
    *("readlink", "getcwd", "ioctl"),
)

_UNIX_STREAMS = When(
    0, (_UNIX,), then=When(1, _STREAMS, then=ALLOW, otherwise=_DENIED), otherwise=_DENIED
)
_PROT_EXEC = 4
_NO_NEW_CODE = When(2, (_PROT_EXEC,), refuse(errno.EACCES), ALLOW, Op.JUMP_IF_ANY_BIT)

_confined = False


def why_unavailable() -> str | None:
    """Return why no process can be walled in here, or None where it can. Confines nothing."""
    if sys.platform != "linux":
        return f"Landlock and seccomp are Linux's, and this is {sys.platform}"
    if platform.machine() != "x86_64":
        return f"the filter of system calls is written for x86_64, not {platform.machine()}"
    if landlock.abi() < 1:
        return "this kernel has no Landlock (Linux 5.13 brought it; it can be switched off)"
    if not seccomp.available():
        return "this kernel takes no seccomp filters"
    return None


def confined() -> bool:
    """Tell whether this process has walled itself in as an owner."""
    return _confined


def confine_owner(
    read: Sequence[Path], write: Sequence[Path], memory_bytes: int = 4 << 30
) -> None:
    """Wall in the process that owns a universe and runs its methods.

    It keeps its memory, threads, open files and sockets. It can no longer start programs
    or processes, open sockets, signal or inspect others, or reach other files. `chmod` is
    answered as if it had worked.

    Args:
        read: Files and folders to read; `python_paths()` among them.
        write: Folders in which files may be made, changed and removed. Temporary files
            belong in one of them: ZODB needs some.
        memory_bytes: How much more it may take than it has; beyond is a MemoryError.

    Raises:
        WallsUnavailable: A wall is missing; unless the kernel failed halfway, nothing is
            confined. Run no generated method.
    """
    global _confined  # noqa: PLW0603  a property of the process, like the walls
    _confine(read, write, _owner_table(os.getpid()), memory_bytes)
    _confined = True


def confine_reader(read: Sequence[Path], write: Sequence[Path]) -> None:
    """Wall in a process that parses files from elsewhere.

    As an owner; but it may open Unix stream sockets and listen there, and connects nowhere.

    Raises:
        WallsUnavailable: As for an owner.
    """
    listening: Table = {
        "socket": _UNIX_STREAMS,
        **dict.fromkeys(("bind", "listen"), ALLOW),
    }
    _confine(read, write, {**_owner_table(os.getpid()), **listening})


def deny_all_files() -> None:
    """Take every file away from this process and from those it forks. It stays unconfined
    otherwise.

    Raises:
        WallsUnavailable: As for an owner.
    """
    _reach_only(_prepared([], []))


def confine_trial(memory_bytes: int, cpu_s: int) -> None:
    """Leave this process nothing but computing, and what is open already.

    A look at a file is answered with "permission denied"; any other system call ends the
    process with SIGSYS. Too much memory raises MemoryError, too much processor time ends
    the process.

    Raises:
        WallsUnavailable: A wall is missing. End the process.
    """
    limit_resources(memory_bytes, cpu_s)
    table: Table = {
        **dict.fromkeys(_COMPUTING, ALLOW),
        **dict.fromkeys(_ASKED_BY_PYTHON, refuse(errno.EACCES)),
        **dict.fromkeys(("mmap", "mprotect"), _NO_NEW_CODE),
    }
    try:
        syscalls.prctl(_PR_SET_NO_NEW_PRIVS, 1)
        seccomp.install(table, default=KILL, unknown=KILL)
    except OSError as error:
        raise WallsUnavailable(str(error)) from error


def limit_resources(memory_bytes: int, cpu_s: int) -> None:
    """Limit this process as for a trial, on any Unix: no new files, no core dump."""
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: cpu_s,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))


def python_paths() -> list[Path]:
    """Return what the running Python reads when it imports a module for the first time.

    That is the standard library, installed packages, this package, shared libraries, time
    zones, and its own entry in /proc. A folder that is on `sys.path` only because a program
    was started there is left out: it may be anyone's home.
    """
    library = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
    packages = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix}
    candidates = [
        *library,
        *packages,
        *(f"{prefix}/{name}" for prefix in prefixes for name in ("lib", "lib64")),
        *(entry for entry in sys.path if entry.endswith(("-packages", ".zip", ".egg"))),
        *([site.getusersitepackages()] if site.ENABLE_USER_SITE else []),
        str(Path(__file__).parents[2]),
        *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache"),
        *("/usr/share/zoneinfo", "/etc/localtime", "/usr/share/locale"),
        *("/proc/self", "/sys/devices/system/cpu/online", "/dev/urandom"),
    ]
    return list(_existing(candidates))


def _owner_table(pid: int) -> Table:
    """Return what becomes of an owner's system calls; those not named are allowed."""
    to_itself = When(0, (pid,), then=ALLOW, otherwise=_DENIED)
    return {
        **dict.fromkeys(_WAYS_OUT, _DENIED),
        "chmod": _DONE,
        "clone": When(0, (_CLONE_THREAD,), ALLOW, _DENIED, Op.JUMP_IF_ANY_BIT),
        "clone3": _ABSENT,  # its arguments lie in memory, where no filter can look
        "kill": to_itself,
        "tgkill": to_itself,
        "prlimit64": When(0, (0, pid), then=ALLOW, otherwise=_DENIED),
        "socketpair": _UNIX_STREAMS,  # for event loops
        "ioctl": When(1, _TERMINAL + _SET_OWNER, then=_DENIED, otherwise=ALLOW),
        "fcntl": When(1, (_F_SETOWN, _F_SETOWN_EX), then=_DENIED, otherwise=ALLOW),
    }


def _confine(
    read: Sequence[Path],
    write: Sequence[Path],
    table: Table,
    memory_bytes: int | None = None,
) -> None:
    """Prepare everything that can fail, then wall this process in."""
    ruleset = _prepared(read, [*write, Path("/dev/null")])
    taken_bytes = _data_bytes()  # while /proc is there to say it
    _reach_only(ruleset)
    try:
        seccomp.install(table, default=ALLOW, unknown=_ABSENT)
    except OSError as error:
        raise WallsUnavailable(str(error)) from error
    if memory_bytes is not None:
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = taken_bytes + memory_bytes
        if most == resource.RLIM_INFINITY or wanted < most:
            resource.setrlimit(resource.RLIMIT_DATA, (wanted, wanted))


def _prepared(read: Sequence[Path], write: Sequence[Path]) -> int:
    _require(why_unavailable)
    _require(_one_thread_here)
    try:
        return landlock.prepare(read, write)
    except OSError as error:
        raise WallsUnavailable(str(error)) from error


def _reach_only(ruleset: int) -> None:
    try:
        syscalls.prctl(_PR_SET_NO_NEW_PRIVS, 1)
        landlock.enforce(ruleset)
    except OSError as error:
        raise WallsUnavailable(str(error)) from error


def _require(problem: Callable[[], str | None]) -> None:
    why = problem()
    if why is not None:
        raise WallsUnavailable(why)


def _one_thread_here() -> str | None:
    """Return what is wrong if this process has more than one thread."""
    try:
        threads = len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return "/proc is not there to count this process's threads"
    if threads == 1:
        return None
    return f"this process has {threads} threads already, and walls close around one"


def _data_bytes() -> int:
    """Return what this process has of the memory that RLIMIT_DATA counts."""
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    return pages * resource.getpagesize()


def _existing(candidates: Iterable[str | None]) -> Iterator[Path]:
    paths = dict.fromkeys(Path(path) for path in candidates if path)
    return (path for path in paths if path.exists())
