"""Bundles are made whole, sealed, small, and never over something that is already there."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import msgspec
import pytest

from leeward.core.errors import CannotWrite, OurMistake, VaultDamaged
from leeward.export import bundle as module
from leeward.export.bundle import Attachment, Composed, Contents, compose, write_bundle, write_sealed_bundle
from leeward_proof.verify import check, read_bundle

PICTURE = b"a picture " * 1000


def chat(made_up: ModuleType, records: int = 5, shown: int | None = None, **more: Any) -> tuple[Any, Contents]:
    world = made_up.World()
    digest = hashlib.sha256(PICTURE).hexdigest()
    lines = [
        made_up.line(n, "Bea" if n % 2 else "Carl", f"message {n}", [digest] if n == 1 else []) for n in range(records)
    ]
    first = world.incident("a", "She wrote this.")
    archive = world.archive("chat", lines)
    count = records if shown is None else shown
    opened = [world.archives[archive].opening(n) for n in range(count)]
    items = [made_up.message((0, n), lines[n], attachments=[0] if n == 1 else []) for n in range(count)]
    items.append(made_up.note(0, "She wrote this."))
    files = [made_up.file_of(PICTURE, "IMG_0001.jpg", "image/jpeg")]
    entries = [(first, ("kind", "text", "when", "written"))]
    contents = world.contents(items, entries, [(archive, opened)], files)
    return world, msgspec.structs.replace(contents, **more)


def whole(composed: Composed) -> bytes:
    return b"".join(composed.chunks())


def test_a_bundle_is_sound_and_holds_what_was_chosen(made_up: ModuleType) -> None:
    world, contents = chat(made_up)

    composed = compose(contents, world.sign)

    data = whole(composed)
    report, bundle = read_bundle(io.BytesIO(data))
    assert report.problems == ()
    assert bundle is not None
    assert [item.text for item in bundle.items] == [*(f"message {n}" for n in range(5)), "She wrote this."]
    assert composed.size == len(data)
    assert composed.notes == ()


def test_a_bundle_is_written_and_checked(made_up: ModuleType, tmp_path: Path) -> None:
    world, contents = chat(made_up)
    path = tmp_path / "bundle.zip"

    write_bundle(path, compose(contents, world.sign))

    assert check(path).sound
    assert [one.name for one in tmp_path.iterdir()] == ["bundle.zip"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_receiver_can_check_the_sums_with_ordinary_tools(made_up: ModuleType, tmp_path: Path) -> None:
    world, contents = chat(made_up)
    with zipfile.ZipFile(io.BytesIO(whole(compose(contents, world.sign)))) as file:
        file.extractall(tmp_path)

    if shutil.which("sha256sum") is None:
        for line in (tmp_path / "SHA256SUMS").read_text().splitlines():
            digest, name = line.split("  ")
            assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest
        return
    done = subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=tmp_path, capture_output=True, check=False)

    assert done.returncode == 0
    assert done.stdout.count(b": OK\n") == 7


def test_the_same_contents_make_the_same_bytes(made_up: ModuleType) -> None:
    world, contents = chat(made_up)

    assert whole(compose(contents, world.sign)) == whole(compose(contents, world.sign))


def test_members_stand_in_their_order_with_neutral_names(made_up: ModuleType) -> None:
    world, contents = chat(made_up)

    names = [part.name for part in compose(contents, world.sign).parts]

    assert names == [
        "README.txt",
        "transcript.txt",
        "transcript.pdf",
        "custody.txt",
        "attachments/0001.jpg",
        "proof/bundle.json",
        "proof/checkpoint",
        "SHA256SUMS",
        "SHA256SUMS.sig",
    ]


def test_without_the_part_that_makes_pdf_the_text_stands_alone(
    made_up: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, contents = chat(made_up)
    monkeypatch.setattr(module, "pdf_available", lambda: False)

    composed = compose(contents, world.sign)

    assert "transcript.pdf" not in {part.name for part in composed.parts}
    assert len(composed.notes) == 1
    assert "text transcript stands alone" in composed.notes[0]
    assert check(io.BytesIO(whole(composed))).sound
    readme = next(part for part in composed.parts if part.name == "README.txt")
    assert b"transcript.pdf" not in b"".join(readme.read())


def test_a_file_that_is_already_there_is_left_alone(made_up: ModuleType, tmp_path: Path) -> None:
    world, contents = chat(made_up)
    path = tmp_path / "bundle.zip"
    path.write_bytes(b"something of hers")

    with pytest.raises(CannotWrite, match="already there"):
        write_bundle(path, compose(contents, world.sign, pdf=False))

    assert path.read_bytes() == b"something of hers"


def test_a_folder_that_is_not_there_is_said_plainly(made_up: ModuleType, tmp_path: Path) -> None:
    world, contents = chat(made_up)

    with pytest.raises(CannotWrite, match="could not be written"):
        write_bundle(tmp_path / "none" / "bundle.zip", compose(contents, world.sign, pdf=False))


def test_a_bundle_that_could_not_be_finished_is_removed(made_up: ModuleType, tmp_path: Path) -> None:
    world, contents = chat(made_up)
    composed = compose(contents, world.sign, pdf=False)

    def full() -> Iterator[bytes]:
        raise OSError(28, "No space left on device")
        yield b""

    broken = Composed((*composed.parts[:-1], composed.parts[-1]._replace(read=full)), ())

    with pytest.raises(CannotWrite):
        write_bundle(tmp_path / "bundle.zip", broken)
    assert list(tmp_path.iterdir()) == []


def test_an_unsound_bundle_is_never_handed_over(made_up: ModuleType, tmp_path: Path) -> None:
    world, contents = chat(made_up)
    other = made_up.World("carl")

    with pytest.raises(OurMistake, match="removed"):
        write_bundle(tmp_path / "bundle.zip", compose(contents, other.sign, pdf=False))

    assert list(tmp_path.iterdir()) == []
    assert world.sign is not other.sign


def test_an_attachment_that_changes_between_two_readings_is_noticed(made_up: ModuleType, tmp_path: Path) -> None:
    world, contents = chat(made_up)
    answers = [PICTURE, PICTURE[::-1]]
    digest = hashlib.sha256(PICTURE).hexdigest()
    moving = Attachment("IMG.jpg", digest, "image/jpeg", lambda: (answers.pop(0),))

    composed = compose(msgspec.structs.replace(contents, attachments=[moving]), world.sign, pdf=False)

    with pytest.raises(OurMistake, match="removed"):
        write_bundle(tmp_path / "bundle.zip", composed)
    assert list(tmp_path.iterdir()) == []


def test_an_attachment_that_is_not_the_recorded_file_is_refused(made_up: ModuleType) -> None:
    world, contents = chat(made_up)
    wrong = Attachment("IMG.jpg", "0" * 64, "image/jpeg", lambda: (PICTURE,))

    with pytest.raises(VaultDamaged) as caught:
        compose(msgspec.structs.replace(contents, attachments=[wrong]), world.sign)

    assert "in your vault" in caught.value.sentence()


def test_more_than_one_bundle_can_hold_is_said_before_anything_is_written(
    made_up: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, contents = chat(made_up)
    monkeypatch.setattr(module, "MAX_SIZE", 1000)

    with pytest.raises(CannotWrite, match="too large for one bundle"):
        compose(contents, world.sign)


@pytest.mark.parametrize(
    "change",
    [{"items": []}, {"entries": []}, {"readings": []}, {"attachments": []}],
    ids=lambda change: next(iter(change)),
)
def test_what_does_not_fit_together_makes_no_bundle(made_up: ModuleType, change: dict[str, Any]) -> None:
    world, contents = chat(made_up)

    with pytest.raises(OurMistake):
        compose(msgspec.structs.replace(contents, **change), world.sign)


def test_an_ending_follows_the_type_and_never_the_name(made_up: ModuleType) -> None:
    world, contents = chat(made_up)
    digest = hashlib.sha256(PICTURE).hexdigest()
    odd = Attachment("../../etc/passwd\n.exe", digest, "application/x-msdownload", lambda: (PICTURE,))

    composed = compose(msgspec.structs.replace(contents, attachments=[odd]), world.sign, pdf=False)

    data = whole(composed)
    assert "attachments/0001.bin" in {part.name for part in composed.parts}
    assert check(io.BytesIO(data)).sound
    assert "../../etc/passwd⟨U+000A⟩.exe".encode() in data


def test_only_shown_messages_with_attachments_open_what_they_refer_to(made_up: ModuleType) -> None:
    world, contents = chat(made_up)

    parts = {part.name: b"".join(part.read()) for part in compose(contents, world.sign, pdf=False).parts}

    opened = [
        record["open"]
        for reading in json.loads(parts["proof/bundle.json"])["readings"]
        for segment in reading["segments"]
        for record in segment["records"]
    ]
    assert sum("media" in one for one in opened) == 1
    assert not any("place" in one for one in opened)


def test_a_whole_archive_brings_its_original_and_its_places(made_up: ModuleType) -> None:
    world = made_up.World()
    size = len(made_up.line(0, "Bea", "message 0")[0])
    lines = [made_up.line(n, "Bea", f"message {n}", offset=n * size) for n in range(3)]
    archive = world.archive("chat", lines)
    opened = [world.archives[archive].opening(n, ("raw", "place", "sender", "time", "media")) for n in range(3)]
    contents = world.contents(
        [made_up.message((0, n), lines[n]) for n in range(3)], [], [(archive, opened)], whole=True
    )

    composed = compose(contents, world.sign, pdf=False)

    parts = {part.name: b"".join(part.read()) for part in composed.parts}
    assert parts["originals/0001.txt"] == b"".join(one[0] for one in lines)
    assert check(io.BytesIO(whole(composed))).sound


def test_items_may_be_told_in_any_order(made_up: ModuleType) -> None:
    world, contents = chat(made_up, records=20)
    turned = msgspec.structs.replace(contents, items=list(reversed(contents.items)))

    report, bundle = read_bundle(io.BytesIO(whole(compose(turned, world.sign, pdf=False))))

    assert report.sound
    assert bundle is not None
    assert [item.text for item in bundle.items] == [item.text for item in turned.items]


def test_made_is_printed_in_utc_so_that_it_says_nothing_about_where(made_up: ModuleType) -> None:
    from datetime import datetime, timedelta, timezone

    world, contents = chat(made_up)
    there = datetime(2026, 1, 31, 21, 0, tzinfo=timezone(timedelta(hours=9)))

    data = whole(compose(msgspec.structs.replace(contents, made=there), world.sign, pdf=False))

    assert b"2026-01-31 12:00 UTC" in data
    assert b"+09" not in data


def test_ten_thousand_messages_stay_small(made_up: ModuleType) -> None:
    world, contents = chat(made_up, records=10_000)

    composed = compose(contents, world.sign, pdf=False)

    sizes = {part.name: part.size for part in composed.parts}
    assert sizes["proof/bundle.json"] < 11_000_000
    assert check(io.BytesIO(whole(composed))).sound


def test_the_receiver_is_told_what_is_not_proven(made_up: ModuleType) -> None:
    world, contents = chat(made_up)

    parts = {part.name: b"".join(part.read()).decode() for part in compose(contents, world.sign, pdf=False).parts[:1]}

    readme = parts["README.txt"]
    assert "Selected by the owner. Not proof of truth or completeness." in readme
    assert "sha256sum -c SHA256SUMS" in readme
    assert "python -m leeward_proof" in readme
    assert "WHAT IT DOES NOT PROVE" in readme
    assert "left out" in readme
    assert max(len(line) for line in readme.splitlines()) <= 130


def test_a_sealed_bundle_reaches_the_disk_only_sealed(made_up: ModuleType, tmp_path: Path) -> None:
    world, contents = chat(made_up)
    composed = compose(contents, world.sign, pdf=False)

    def turn_over(plain: Any, sealed: BinaryIO) -> None:
        while portion := plain.read(1000):
            sealed.write(bytes(255 - byte for byte in portion))

    write_sealed_bundle(tmp_path / "bundle.sealed", composed, turn_over)

    written = (tmp_path / "bundle.sealed").read_bytes()
    assert bytes(255 - byte for byte in written) == whole(composed)
    assert [one.name for one in tmp_path.iterdir()] == ["bundle.sealed"]


def test_an_unsound_bundle_is_not_sealed_either(made_up: ModuleType, tmp_path: Path) -> None:
    contents = chat(made_up)[1]
    composed = compose(contents, made_up.World("carl").sign, pdf=False)

    with pytest.raises(OurMistake, match="Nothing was written"):
        write_sealed_bundle(tmp_path / "bundle.sealed", composed, lambda _plain, _sealed: None)

    assert list(tmp_path.iterdir()) == []


def test_a_size_that_is_not_said_is_not_printed(made_up: ModuleType) -> None:
    world, contents = chat(made_up)
    reading = msgspec.structs.replace(contents.readings[0], size=0)

    data = whole(compose(msgspec.structs.replace(contents, readings=[reading]), world.sign, pdf=False))

    assert b"received 2024-02-02" in data
    assert b"0 bytes; received" not in data
