"""A child whose reader does harm, to prove what the confinement takes away.

    python -I hostile_child.py DEED (confined | unconfined) (as-it-is | as-nobody)

It is the real child (`leeward.ingest.child.serve`) with another reader; the production child has no argument and no way
to this one. Everything a deed needs is imported before the confinement, so that a failure is the confinement's doing.
"""

import ctypes
import errno
import mmap
import os
import socket
import sys
import time
from typing import Any

import msgspec

from leeward.ingest import child, confine, wire
from leeward.ingest.base import Match, Outcome, Recognised, Record

AIM = [b""]  # what the file says to aim at


def frame(payload: bytes) -> Any:
    return len(payload).to_bytes(4, "big") + payload


def connect() -> Any:
    with socket.socket(socket.AF_UNIX) as there:
        there.connect(AIM[0])
        there.sendall(b"stolen")
    return "connected"


def write_a_file() -> Any:
    with open(AIM[0].decode(), "w") as file:
        file.write("stolen")
    return "written"


def read_a_file() -> Any:
    with open("/etc/passwd") as file:
        return file.readline().strip()


def list_a_folder() -> Any:
    return repr(os.listdir("/")[:1])


def fork() -> Any:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "forked"


def start_a_program() -> Any:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
    return "started"


def send_a_signal() -> Any:
    os.kill(os.getpid(), 0)
    return "signalled"


def look_into_the_parent() -> Any:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, os.getpid(), 0, 0) == -1 and ctypes.get_errno() == 1 and CONFINED:  # PTRACE_ATTACH to oneself
        raise PermissionError
    local = ctypes.create_string_buffer(8)
    vector = (ctypes.c_uint64 * 2)(ctypes.addressof(local), 8)
    # process_vm_readv of this process's own memory: allowed to everyone who may ask the system at all
    got = libc.process_vm_readv(os.getpid(), vector, 1, vector, 1, 0)
    if got != 8:
        raise PermissionError
    return "looked"


def make_code() -> Any:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
    return "made"


def raise_limits() -> Any:
    import_resource.setrlimit(import_resource.RLIMIT_NOFILE, (64, 64))
    return "raised"


def eat_memory() -> Any:
    held = [bytearray(64 << 20) for _ in range(12)]
    for block in held:
        block[::4096] = b"x" * len(block[::4096])
    return f"held {sum(map(len, held)) >> 20} MiB"


def spin() -> Any:
    until = time.process_time() + 3
    while time.process_time() < until:
        pass
    return "spun"


def spin_for_ever() -> None:
    while True:
        pass


def fall_silent() -> None:
    time.sleep(600)


def crash() -> None:
    ctypes.string_at(0)


def shout() -> None:
    os.write(1, b"\xff\xff\xff\xff" + b"A" * 100_000)
    time.sleep(600)


def babble() -> None:
    os.write(1, frame(os.urandom(500)))
    time.sleep(600)


def ask_too_much() -> None:
    os.write(1, frame(msgspec.msgpack.encode(wire.Need(0, 1 << 40))))
    time.sleep(600)


def ask_backwards() -> None:
    os.write(1, frame(msgspec.msgpack.encode(wire.Need(-1, 10))))
    time.sleep(600)


def ask_and_never_listen() -> None:
    while True:
        os.write(1, frame(msgspec.msgpack.encode(wire.Need(0, 1 << 20))))


def never_stop_talking() -> None:
    rows = frame(msgspec.msgpack.encode(wire.Rows([Record(0, "", 0, 1, b"x", "a", "", None, None, "t")])))
    while True:
        os.write(1, rows)


def say_a_text_of_its_own() -> None:
    os.write(1, frame(msgspec.msgpack.encode(wire.Stopped("her address is written here"))))
    time.sleep(600)


def what_it_holds() -> Any:
    descriptors = []
    for number in range(256):
        try:
            os.lseek(number, 0, os.SEEK_CUR)
        except OSError as error:
            if error.errno == errno.EBADF:
                continue
        descriptors.append(number)
    return repr((sorted(os.environ), descriptors))


class HostileReader:
    name, version, service = "hostile", "1", "harm"

    def __init__(self, deed: Any) -> None:
        self._deed = deed

    def sniff(self, package: Any) -> Any:
        return Match(1.0, "harm")

    def read(self, package: Any, hints: Any) -> Any:
        with package.open(package.members()[0]) as stream:
            AIM[0] = stream.read(4096)
        yield Recognised(self.name, self.version, self.service, str(self._deed()))
        yield Outcome("")


if __name__ == "__main__":
    import resource as import_resource

    deed, how, who = sys.argv[1:4]
    CONFINED = how == "confined"

    def confiner(memory_bytes: Any, cpu_seconds: Any) -> Any:
        if who == "as-nobody" and os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        return confine.confine(memory_bytes, cpu_seconds) if CONFINED else []

    child.serve([HostileReader(globals()[deed])], confiner)
