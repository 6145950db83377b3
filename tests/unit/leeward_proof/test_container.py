"""The container: standard tools read it, and every byte of it is determined."""

from __future__ import annotations

import io
import zipfile

import pytest

from leeward_proof.container import (
    Part,
    container_chunks,
    container_size,
    looks_like_bundle,
    part_of,
    read_container,
)
from leeward_proof.errors import NotABundle, Unsound

PARTS = [
    part_of("README.txt", b"hello\n"),
    part_of("attachments/0001.jpg", bytes(3_000_000)),
    part_of("SHA256SUMS.sig", b""),
]


def made() -> bytes:
    return b"".join(container_chunks(PARTS))


def noticed(data: bytes) -> bool:
    try:
        return bool(read_container(io.BytesIO(data), {})[1])
    except (Unsound, NotABundle):
        return True


def test_what_is_written_is_read_again() -> None:
    data = made()

    members, problems = read_container(io.BytesIO(data), {"README.txt": 100})

    assert problems == []
    assert [(member.name, member.size) for member in members] == [(part.name, part.size) for part in PARTS]
    assert members[0].data == b"hello\n"
    assert members[1].data is None
    assert container_size(PARTS) == len(data)


def test_an_ordinary_zip_program_reads_it() -> None:
    with zipfile.ZipFile(io.BytesIO(made())) as file:
        assert file.testzip() is None
        assert file.namelist() == [part.name for part in PARTS]
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert file.read("README.txt") == b"hello\n"


def test_the_same_contents_make_the_same_bytes() -> None:
    assert made() == made()


def test_every_byte_of_the_frame_matters() -> None:
    data = bytearray(b"".join(container_chunks([PARTS[0], PARTS[2]])))

    for at in range(len(data)):
        for bit in (1, 16, 128):
            data[at] ^= bit
            assert noticed(bytes(data)), (at, bit)
            data[at] ^= bit


def test_a_part_that_changes_while_it_is_written_is_noticed() -> None:
    changed = Part("README.txt", 5, 0, lambda: (b"other",))

    with pytest.raises(ValueError, match="changed"):
        b"".join(container_chunks([changed]))


def test_more_than_a_zip_can_hold_is_refused_before_anything_is_written() -> None:
    huge = Part("README.txt", 2**32, 0, lambda: (b"",))

    with pytest.raises(ValueError, match="too large"):
        next(container_chunks([huge]))


def test_a_member_larger_than_allowed_is_not_kept() -> None:
    with pytest.raises(Unsound) as caught:
        read_container(io.BytesIO(made()), {"attachments/0001.jpg": 1000})

    assert (caught.value.layer, caught.value.where) == ("container", "attachments/0001.jpg")


def test_attachments_are_never_held_whole() -> None:
    import tracemalloc

    big = b"".join(container_chunks([PARTS[0], part_of("attachments/0001.bin", bytes(40_000_000)), PARTS[2]]))
    file = io.BytesIO(big)
    tracemalloc.start()

    read_container(file, {"README.txt": 100})

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("data", [b"", b"PK", b"hello", b"PK\x03\x04" + bytes(100), bytes(1000)])
def test_what_is_no_bundle_is_called_that(data: bytes) -> None:
    with pytest.raises(NotABundle):
        read_container(io.BytesIO(data), {})


def test_a_bundle_is_known_by_either_end() -> None:
    data = made()

    assert looks_like_bundle(io.BytesIO(data))
    assert looks_like_bundle(io.BytesIO(data[:-1000]))
    assert looks_like_bundle(io.BytesIO(b"\0" + data[1:]))
    assert not looks_like_bundle(io.BytesIO(b"\0" + data[1:-1000]))
    assert not looks_like_bundle(io.BytesIO(b""))
