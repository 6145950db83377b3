"""Takes away from this process what a reader does not need: everything but two pipes, memory and time.

Called in the child, after all imports and before the first byte of the original is parsed (child.py). From then on a
reader that is turned by a hostile file can compute, and say things up its pipe. It cannot open a file, reach the
network, start a program, be attached to, leave a core dump, or take more memory and time than it was lent.

What is put in force, in this order; each that the platform has (`Names <NAMES>`):

    no-new-privileges, not-dumpable       prctl, Linux
    memory, cpu-time, no-file-growth,     setrlimit, everywhere but Windows and the browser
    no-descriptors, no-core, no-processes
    system-calls                          seccomp-BPF allow-list, Linux on x86-64 and 64-bit ARM; anything else in the
                                          list's place fails with EPERM

The filter is classic BPF, one instruction of 8 bytes each: code(2) · jump if true(1) · jump if false(1) · k(4).

What it refuses to do: run in the parent. There is no way back, and a parent without descriptors is no use.

Sources: seccomp(2), prctl(2), setrlimit(2); Linux ``asm/unistd_64.h`` and ``asm-generic/unistd.h`` for the numbers.
"""

from __future__ import annotations

import struct
import sys
from typing import Final

__all__ = ["NAMES", "confine"]

NAMES: Final = {
    "no-new-privileges": "it cannot gain rights by starting a program",
    "not-dumpable": "no other program of this user can look into it",
    "memory": "it cannot take more memory than it was lent",
    "cpu-time": "it cannot work for ever",
    "no-file-growth": "it cannot write into a file",
    "no-descriptors": "it cannot open a file or a connection",
    "no-core": "it leaves no memory dump behind when it crashes",
    "no-processes": "it cannot start another process",
    "system-calls": "it cannot ask the system for anything but memory, time and its two pipes",
}
"""What can be in force, and what each means for the person (``leeward doctor``)."""

_PR_SET_DUMPABLE: Final = 4
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2

_RET_ALLOW: Final = 0x7FFF0000
_RET_EPERM: Final = 0x00050001
_RET_KILL: Final = 0x80000000

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K

_AT_NUMBER: Final = 0  # struct seccomp_data: nr(4) · arch(4) · instruction pointer(8) · args(6 x 8)
_AT_ARCH: Final = 4
_AT_PROTECTION: Final = 32  # low half of the third argument of mmap and mprotect, little-endian
_PROT_EXEC: Final = 4

# Memory for code is never given out: nothing is compiled after this point, so only an attack would want it.
_MAPPING_X86_64: Final = (9, 10)  # mmap mprotect
_ALLOWED_X86_64: Final = (
    *(0, 1, 3, 5, 8),  # read write close fstat lseek
    *(11, 12, 25, 28),  # munmap brk mremap madvise
    *(13, 14, 15),  # rt_sigaction rt_sigprocmask rt_sigreturn
    *(24, 35, 39, 110, 186, 202, 219),  # sched_yield nanosleep getpid getppid gettid futex restart_syscall
    *(228, 230, 318, 334),  # clock_gettime clock_nanosleep getrandom rseq
    *(60, 231),  # exit exit_group
)
_MAPPING_AARCH64: Final = (222, 226)
_ALLOWED_AARCH64: Final = (
    *(63, 64, 57, 80, 62),
    *(215, 214, 216, 233),
    *(134, 135, 139),
    *(124, 101, 172, 173, 178, 98, 128),
    *(113, 115, 278, 293),
    *(93, 94),
)

_ARCHES: Final = {
    "x86_64": (0xC000003E, _ALLOWED_X86_64, _MAPPING_X86_64),
    "aarch64": (0xC00000B7, _ALLOWED_AARCH64, _MAPPING_AARCH64),
}
"""Machine name: AUDIT_ARCH of its kernel, calls allowed, calls allowed without PROT_EXEC."""


def confine(memory_bytes: int, cpu_seconds: int) -> list[str]:
    """
    Confine this process for the rest of its life.

    Args:
        memory_bytes: address space it may hold, with what it holds already.
        cpu_seconds: processor time it may use, with what it used already.

    Returns:
        Names out of `NAMES` of what is in force. What the platform refuses is not in the list, and is no error.
    """
    in_force: list[str] = []
    if sys.platform == "linux":
        in_force += _set_flags()
    if sys.platform not in ("win32", "emscripten", "wasi"):
        in_force += _set_limits(memory_bytes, cpu_seconds)
    if sys.platform == "linux" and _filter_calls():
        in_force.append("system-calls")
    return in_force


def _prctl(option: int, value: int, address: int = 0) -> bool:
    """Call prctl(2) and say whether it worked."""
    import ctypes  # noqa: PLC0415  # not every platform with this module has a C library to load

    return bool(ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(address), 0, 0) == 0)


def _set_flags() -> list[str]:
    done = []
    if _prctl(_PR_SET_NO_NEW_PRIVS, 1):
        done.append("no-new-privileges")
    if _prctl(_PR_SET_DUMPABLE, 0):
        done.append("not-dumpable")
    return done


def _set_limits(memory_bytes: int, cpu_seconds: int) -> list[str]:
    """Set every resource limit the platform has; the last one closes the door to new descriptors."""
    import resource  # noqa: PLC0415  # does not exist on Windows

    wanted = (
        ("memory", "RLIMIT_AS", memory_bytes, memory_bytes),
        ("cpu-time", "RLIMIT_CPU", cpu_seconds, cpu_seconds + 1),
        ("no-file-growth", "RLIMIT_FSIZE", 0, 0),
        ("no-core", "RLIMIT_CORE", 0, 0),
        ("no-processes", "RLIMIT_NPROC", 0, 0),
        ("no-descriptors", "RLIMIT_NOFILE", 0, 0),
    )
    done = []
    for name, constant, soft, hard in wanted:
        kind = getattr(resource, constant, None)
        if kind is None:
            continue
        try:
            resource.setrlimit(kind, (soft, hard))
        except (OSError, ValueError):
            continue
        done.append(name)
    return done


def _filter_calls() -> bool:
    """Install the allow-list; False when the kernel or this machine has none."""
    import ctypes  # noqa: PLC0415  # not every platform with this module has a C library to load
    import os  # noqa: PLC0415  # only needed for the machine's name, on Linux

    arch = _ARCHES.get(os.uname().machine)
    if arch is None or struct.calcsize("P") != 8:
        return False
    program = _program(*arch)
    instructions = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: count(2), padding(6), pointer(8)
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(instructions)), 16)
    return _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(head))


def _program(audit_arch: int, allowed: tuple[int, ...], mapping: tuple[int, ...]) -> bytes:
    """Return the filter: foreign calling conventions die, listed calls pass, mappings unless for code, else EPERM."""
    lines: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _AT_ARCH),
        (_EQUAL, 1, 0, audit_arch),
        (_RETURN, 0, 0, _RET_KILL),
        (_LOAD, 0, 0, _AT_NUMBER),
    ]
    for number in allowed:
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _RET_ALLOW)]
    for number in mapping:
        lines += [
            (_EQUAL, 0, 4, number),
            (_LOAD, 0, 0, _AT_PROTECTION),
            (_ANY_BIT, 1, 0, _PROT_EXEC),
            (_RETURN, 0, 0, _RET_ALLOW),
            (_RETURN, 0, 0, _RET_EPERM),
        ]
    lines.append((_RETURN, 0, 0, _RET_EPERM))
    return b"".join(struct.pack("HBBI", *line) for line in lines)
