"""Linux's system calls by name, for the walls: Python has no functions for theirs.

The numbers are x86_64's. The three of Landlock are the same on every machine.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Mapping

_TABLE = """
# memory and computing
mmap 9  mprotect 10  munmap 11  brk 12  mremap 25  madvise 28  futex 202  getrandom 318
getpid 39  gettid 186  getrusage 98  clock_gettime 228  clock_getres 229  gettimeofday 96
time 201  rt_sigaction 13  rt_sigprocmask 14  rt_sigreturn 15  sigaltstack 131  setitimer 38
getitimer 36  sched_yield 24  exit 60  exit_group 231
# files
read 0  write 1  open 2  close 3  stat 4  fstat 5  lstat 6  lseek 8  ioctl 16  access 21
fcntl 72  truncate 76  getcwd 79  readlink 89  openat 257  newfstatat 262  statx 332
faccessat2 439  mknod 133  mknodat 259  open_by_handle_at 304  memfd_create 319
memfd_secret 447  name_to_handle_at 303
# who owns a file, and what may be done with it
chmod 90  fchmod 91  fchmodat 268  fchmodat2 452  chown 92  fchown 93  lchown 94
fchownat 260  utime 132  utimes 235  futimesat 261  utimensat 280  setxattr 188
lsetxattr 189  fsetxattr 190  removexattr 197  lremovexattr 198  fremovexattr 199
# processes, and ways to reach into them
clone 56  fork 57  vfork 58  execve 59  execveat 322  clone3 435  ptrace 101
process_vm_readv 310  process_vm_writev 311  kcmp 312  process_madvise 440
process_mrelease 448  userfaultfd 323  pidfd_open 434  pidfd_getfd 438
pidfd_send_signal 424  kill 62  tkill 200  tgkill 234  rt_sigqueueinfo 129
rt_tgsigqueueinfo 297  get_robust_list 274  prlimit64 302  setpriority 141  ioprio_set 251
sched_setparam 142  sched_setscheduler 144  sched_setaffinity 203  sched_setattr 314
migrate_pages 256  move_pages 279
# sockets and other channels
socket 41  connect 42  bind 49  listen 50  socketpair 53  shmget 29  shmat 30  shmctl 31
semget 64  msgget 68  msgsnd 69  msgrcv 70  mq_open 240  mq_unlink 241  io_uring_setup 425
io_uring_enter 426  io_uring_register 427  io_setup 206  semop 65  semctl 66  semtimedop 220
msgctl 71  inotify_add_watch 254
# identity
setuid 105  setgid 106  setreuid 113  setregid 114  setgroups 116  setresuid 117
setresgid 119  setfsuid 122  setfsgid 123  capset 126  personality 135  keyctl 250
add_key 248  request_key 249
# mounts and namespaces
mount 165  umount2 166  pivot_root 155  chroot 161  unshare 272  setns 308  open_tree 428
move_mount 429  fsopen 430  fsconfig 431  fsmount 432  fspick 433  mount_setattr 442
statmount 457  listmount 458  fanotify_init 300
# the machine
bpf 321  perf_event_open 298  init_module 175  finit_module 313  delete_module 176
kexec_load 246  kexec_file_load 320  reboot 169  swapon 167  swapoff 168  settimeofday 164
clock_settime 227  adjtimex 159  clock_adjtime 305  sethostname 170  setdomainname 171
iopl 172  ioperm 173  modify_ldt 154  quotactl 179  quotactl_fd 443  acct 163  syslog 103
vhangup 153  uselib 134
# the walls themselves
landlock_create_ruleset 444  landlock_add_rule 445  landlock_restrict_self 446  seccomp 317
"""
NUMBERS: Mapping[str, int] = {
    name: int(number) for name, number in re.findall(r"(\w+) (\d+)", _TABLE)
}
LAST_KNOWN = 462  # `mseal`, Linux 6.10: what later numbers do was not considered here

_libc = ctypes.CDLL(None, use_errno=True)
_Argument = int | bytes | None


def call(name: str, *arguments: _Argument) -> int:
    """Make a system call and return its answer; bytes are passed as a pointer to them.

    Raises:
        OSError: The kernel refuses.
    """
    _libc.syscall.restype = ctypes.c_long
    return _checked(name, _libc.syscall(ctypes.c_long(NUMBERS[name]), *_as_c(arguments)))


def prctl(option: int, *arguments: _Argument) -> int:
    """Ask something of the calling process's own state.

    Raises:
        OSError: The kernel refuses.
    """
    padded = (*arguments, 0, 0, 0, 0)[:4]
    return _checked("prctl", _libc.prctl(ctypes.c_int(option), *_as_c(padded)))


def _as_c(arguments: tuple[_Argument, ...]) -> list[object]:
    return [
        ctypes.c_ulong(value) if isinstance(value, int) else ctypes.c_char_p(value)
        for value in arguments
    ]


def _checked(name: str, answer: int) -> int:
    if answer < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return answer
