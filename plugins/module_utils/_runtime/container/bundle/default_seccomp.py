# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The default system call filter of a container, with Docker's meaning. Pure.

Calls that are not listed fail with EPERM: calls that reach the whole kernel (kexec, modules, swap,
clocks), keyrings, which no namespace divides, io_uring, which passes filters by, and new user
namespaces. A capability opens the calls that are for its holders. Names an older kernel or
libseccomp does not know are ignored by the OCI runtimes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Optional

_EPERM = 1
_ENOSYS = 38

_AF_VSOCK = 40

#: The CLONE_NEW* flags of clone(2): cgroup, uts, ipc, user, pid, net and mount namespaces.
_CLONE_NEW = 0x7E020000

#: personality(2): PER_LINUX, PER_LINUX32, both with UNAME26, and the question what it is now.
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)

#: Allowed to every container, by what they are for.
_ALLOWED = (
    # Files: opening, reading, writing, moving bytes
    "open openat openat2 creat close close_range read readv pread64 preadv preadv2 write writev"
    " pwrite64 pwritev pwritev2 lseek _llseek sendfile sendfile64 splice tee vmsplice"
    " copy_file_range readahead fadvise64 fadvise64_64 fallocate truncate truncate64 ftruncate"
    " ftruncate64 fsync fdatasync sync syncfs sync_file_range flock fcntl fcntl64 ioctl dup dup2"
    " dup3 pipe pipe2 umask cachestat",
    # Files: names, owners, modes, times, attributes
    "access faccessat faccessat2 chdir fchdir getcwd chmod fchmod fchmodat fchmodat2 chown"
    " chown32 fchown fchown32 fchownat lchown lchown32 link linkat symlink symlinkat unlink"
    " unlinkat rename renameat renameat2 readlink readlinkat mkdir mkdirat rmdir mknod mknodat"
    " getdents getdents64 name_to_handle_at stat stat64 lstat lstat64 fstat fstat64 fstatat64"
    " newfstatat statx statfs statfs64 fstatfs fstatfs64 utime utimes futimesat utimensat"
    " utimensat_time64 getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr"
    " setxattrat listxattr llistxattr flistxattr listxattrat removexattr lremovexattr"
    " fremovexattr removexattrat",
    # Waiting for events
    "poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create"
    " epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2"
    " eventfd eventfd2 signalfd signalfd4 inotify_init inotify_init1 inotify_add_watch"
    " inotify_rm_watch fanotify_mark io_setup io_submit io_cancel io_destroy io_getevents"
    " io_pgetevents io_pgetevents_time64",
    # Sockets; socket() itself has a rule of its own
    "accept accept4 bind connect listen shutdown getpeername getsockname getsockopt setsockopt"
    " recv recvfrom recvmsg recvmmsg recvmmsg_time64 send sendto sendmsg sendmmsg socketpair"
    " socketcall",
    # Memory
    "brk mmap mmap2 munmap mremap mprotect madvise mincore msync mlock mlock2 mlockall munlock"
    " munlockall mseal membarrier memfd_create memfd_secret map_shadow_stack remap_file_pages"
    " pkey_alloc pkey_free pkey_mprotect",
    # Processes and threads; clone() has a rule of its own
    "fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid"
    " getpgid getpgrp setpgid getsid setsid prctl arch_prctl pidfd_open pidfd_send_signal"
    " process_mrelease ptrace process_vm_readv process_vm_writev seccomp landlock_create_ruleset"
    " landlock_add_rule landlock_restrict_self set_tid_address set_thread_area get_thread_area"
    " set_robust_list get_robust_list rseq restart_syscall futex futex_time64 futex_wait"
    " futex_wake futex_waitv futex_requeue uretprobe",
    # Signals
    "kill tkill tgkill pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo"
    " rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo"
    " sigaltstack sigprocmask sigreturn",
    # Identity
    "getuid getuid32 geteuid geteuid32 getresuid getresuid32 setuid setuid32 setreuid setreuid32"
    " setresuid setresuid32 setfsuid setfsuid32 getgid getgid32 getegid getegid32 getresgid"
    " getresgid32 setgid setgid32 setregid setregid32 setresgid setresgid32 setfsgid setfsgid32"
    " getgroups getgroups32 setgroups setgroups32 capget capset",
    # Limits, priorities, scheduling
    "getrlimit ugetrlimit setrlimit prlimit64 getrusage getpriority setpriority ioprio_get"
    " ioprio_set getcpu sched_getaffinity sched_setaffinity sched_getattr sched_setattr"
    " sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max"
    " sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64 sched_yield",
    # Clocks and timers; setting the time needs CAP_SYS_TIME, which the kernel asks adjtimex for
    "time times gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64"
    " clock_nanosleep clock_nanosleep_time64 nanosleep adjtimex clock_adjtime clock_adjtime64"
    " alarm getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime"
    " timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime"
    " timerfd_gettime64 timerfd_settime timerfd_settime64",
    # System V and POSIX inter-process communication
    "ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat"
    " shmctl shmdt shmget mq_open mq_unlink mq_notify mq_getsetattr mq_timedreceive"
    " mq_timedreceive_time64 mq_timedsend mq_timedsend_time64",
    # The machine
    "uname sysinfo getrandom",
)

#: Allowed to whoever may have the capability.
_BY_CAPABILITY = {
    "CAP_BPF": "bpf",
    "CAP_DAC_READ_SEARCH": "open_by_handle_at",
    "CAP_PERFMON": "perf_event_open",
    "CAP_SYSLOG": "syslog",
    "CAP_SYS_ADMIN": "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick"
    " lookup_dcookie mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd"
    " setdomainname sethostname setns syslog umount umount2 unshare",
    "CAP_SYS_BOOT": "reboot",
    "CAP_SYS_CHROOT": "chroot",
    "CAP_SYS_MODULE": "delete_module finit_module init_module",
    "CAP_SYS_NICE": "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
    "CAP_SYS_PACCT": "acct",
    "CAP_SYS_PTRACE": "kcmp pidfd_getfd process_madvise",
    "CAP_SYS_RAWIO": "ioperm iopl",
    "CAP_SYS_TIME": "clock_settime clock_settime64 settimeofday stime",
    "CAP_SYS_TTY_CONFIG": "vhangup",
}

_ARM = "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2"

#: x32 is left out: distributions build kernels without it or leave it off, calls of it are refused
#: then, and a filter for three architectures takes libseccomp 12 ms to make, for two 4 ms.
#: By the machine (uname -m): its seccomp architectures, the native one first, and calls only it
#: has.
_MACHINES = {
    "x86_64": (("X86_64", "X86"), "modify_ldt"),
    "i686": (("X86",), "modify_ldt"),
    "aarch64": (("AARCH64", "ARM"), _ARM),
    "armv7l": (("ARM",), _ARM),
    "ppc64le": (("PPC64LE",), "swapcontext sync_file_range2"),
    "riscv64": (("RISCV64",), "riscv_flush_icache riscv_hwprobe"),
    "s390x": (("S390X", "S390"), "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr"),
}


def profile(capabilities: Collection[str], machine: str) -> dict[str, Any]:
    """linux.seccomp of runtime-spec for a container with these capabilities on this machine (uname
    -m).

    On a machine that is not known, the native architecture alone is filtered.
    """
    architectures, own = _MACHINES.get(machine, ((), ""))
    names = {name for group in _ALLOWED for name in group.split()} | set(own.split())
    for capability in capabilities:
        names.update(_BY_CAPABILITY.get(capability, "").split())
    rules: list[dict[str, Any]] = [{"names": sorted(names), "action": "SCMP_ACT_ALLOW"}]
    rules.append(_allow("socket", (0, "NE", _AF_VSOCK)))
    rules += [_allow("personality", (0, "EQ", value)) for value in _PERSONALITIES]
    if "clone" not in names:
        # s390 takes the flags as its second argument (clone(2)).
        flags = 1 if machine == "s390x" else 0
        rules.append(_allow("clone", (flags, "MASKED_EQ", _CLONE_NEW, 0)))
        # The flags of clone3 are in memory, where a filter cannot see them. ENOSYS makes libc fall
        # back to clone.
        rules.append({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS})
    value: dict[str, Any] = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": _EPERM,
        "syscalls": rules,
    }
    if architectures:
        value["architectures"] = [f"SCMP_ARCH_{name}" for name in architectures]
    return value


def _allow(name: str, test: tuple[Any, ...]) -> dict[str, Any]:
    index, operator, value = test[:3]
    argument: dict[str, Any] = {"index": index, "value": value, "op": f"SCMP_CMP_{operator}"}
    second: Optional[int] = test[3] if len(test) > 3 else None
    if second is not None:
        argument["valueTwo"] = second
    return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": [argument]}
