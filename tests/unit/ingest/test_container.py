import io
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leeward.core.errors import ReaderStopped
from leeward.ingest import container
from leeward.ingest.container import REFUSALS, PackageRefused, PlainPackage, ZipPackage, open_package


class Bytes:
    name = "given.zip"

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read_at(self, offset: int, length: int) -> Any:
        return self._data[offset : offset + length]


def zipped(*members: Any, method: Any = zipfile.ZIP_DEFLATED) -> Any:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def read_all(data: bytes, **limits: Any) -> Any:
    package = ZipPackage(Bytes(data), **limits) if limits else open_package(Bytes(data))
    return [package.open(member).read() for member in package.members()]


def refusal_of(data: bytes, **limits: Any) -> Any:
    with pytest.raises(PackageRefused) as refused:
        read_all(data, **limits)
    assert refused.value.message == REFUSALS[refused.value.code]
    assert "safe in your vault" in refused.value.sentence()
    return refused.value.code


@pytest.mark.parametrize("data", [b"", b"P", b"\xff\xd8\xff", b"hello PK\x03\x04", b"PK", b"x" * 3_000_000])
def test_a_file_that_is_no_zip_is_one_member(data: Any) -> None:
    package = open_package(Bytes(data))

    assert isinstance(package, PlainPackage)
    assert package.members() == ("",)
    assert package.size("") == len(data)
    assert package.open("").read() == data


def test_members_come_in_order_and_without_litter() -> None:
    data = zipped(
        ("b.txt", "2"),
        ("folder/", ""),
        ("__MACOSX/._b.txt", "x"),
        ("folder/.DS_Store", "x"),
        ("a.txt", "1"),
        ("folder/Thumbs.db", "x"),
    )

    package = open_package(Bytes(data))

    assert package.members() == ("b.txt", "a.txt")
    assert [package.open(member).read() for member in package.members()] == [b"2", b"1"]


def test_a_member_may_be_read_twice_and_two_at_a_time() -> None:
    package = open_package(Bytes(zipped(("a", b"a" * 500_000), ("b", b"b" * 500_000))))

    first, second = package.open("a"), package.open("b")
    mixed = first.read(10) + second.read(10) + first.read(10)

    assert mixed == b"a" * 10 + b"b" * 10 + b"a" * 10
    assert package.open("a").read() == b"a" * 500_000


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "C:\\Windows\\x", "a/../../b"])
def test_a_name_is_a_label_and_never_a_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    package = open_package(Bytes(zipped((name, "label"))))

    (member,) = package.members()
    assert package.open(member).read() == b"label"
    assert list(tmp_path.iterdir()) == []


def test_a_member_nobody_listed_is_not_opened() -> None:
    package = open_package(Bytes(zipped(("a", "1"))))

    with pytest.raises(KeyError):
        package.open("b")


def test_a_bomb_is_refused_by_what_it_declares() -> None:
    data = zipped(("bomb", bytes(20_000_000)))

    assert refusal_of(data, free_bytes=1_000_000, ratio=200) == "zip_bomb"


def test_many_small_bombs_are_refused_by_their_sum() -> None:
    data = zipped(*[(str(n), bytes(500_000)) for n in range(30)])

    assert refusal_of(data, free_bytes=1_000_000, ratio=10) == "zip_bomb"


def test_what_really_comes_out_is_counted_too() -> None:
    package = ZipPackage(Bytes(zipped(("a", bytes(900_000)))), free_bytes=1_000_000, ratio=1)

    def read_for_ever() -> None:
        for _ in range(100):
            package.open("a").read()

    with pytest.raises(PackageRefused) as refused:
        read_for_ever()
    assert refused.value.code == "zip_bomb"


def test_a_declared_size_that_is_a_lie_is_damage() -> None:
    data = bytearray(zipped(("a", bytes(5_000_000))))
    central = data.rindex(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", 100)

    assert refusal_of(bytes(data)) == "zip_damaged"


def test_a_protected_zip_is_refused() -> None:
    data = bytearray(zipped(("a", "secret")))
    central = data.rindex(b"PK\x01\x02")
    data[central + 8] |= 1

    assert refusal_of(bytes(data)) == "zip_protected"


def test_two_members_of_one_name_are_refused() -> None:
    assert refusal_of(zipped(("a", "1"), ("a", "2"))) == "zip_twice"


def test_a_zip_without_its_end_is_refused() -> None:
    assert refusal_of(zipped(("a", "x" * 1000))[:-30]) == "zip_cut"


def test_changed_contents_are_found() -> None:
    data = bytearray(zipped(("a", "x" * 1000), method=zipfile.ZIP_STORED))
    data[100] ^= 1

    assert refusal_of(bytes(data)) == "zip_damaged"


def test_an_unknown_method_is_refused() -> None:
    data = bytearray(zipped(("a", "x")))
    central = data.rindex(b"PK\x01\x02")
    data[central + 10] = 97

    assert refusal_of(bytes(data)) == "zip_method"


def test_a_count_beyond_reason_is_refused_before_the_table_is_read() -> None:
    data = bytearray(zipped(("a", "x")))
    end = data.rindex(b"PK\x05\x06")
    wide = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 10**9, 10**9, 50, 0)

    assert refusal_of(bytes(data[:end]) + wide + bytes(data[end:])) == "zip_many"


@settings(max_examples=150)
@given(st.data())
def test_damage_anywhere_is_a_refusal_or_nothing(data: Any) -> None:
    whole = bytearray(zipped(("a.txt", "hello " * 50), ("b.txt", "there " * 50)))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(4, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(4, len(whole)))

    try:
        read_all(bytes(whole[:cut]))
        sentence = None
    except ReaderStopped as stopped:
        sentence = stopped.message

    assert sentence is None or sentence in REFUSALS.values()


def test_the_limits_hold_for_what_people_have() -> None:
    assert container.MAX_MEMBERS >= 100_000
    assert container.RATIO >= 100
