"""The check as a whole: what it says, and what hostile files cannot make it do."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from leeward_proof.container import container_chunks, part_of
from leeward_proof.errors import NotABundle
from leeward_proof.verify import NOT_PROVEN, Report, check, read_bundle

BUNDLES = Path(__file__).parents[3] / "vectors" / "bundle"
SOUND = BUNDLES / "sound_several.zip"


def members() -> dict[str, bytes]:
    import zipfile

    with zipfile.ZipFile(SOUND) as file:
        return {name: file.read(name) for name in file.namelist()}


def checked(parts: dict[str, bytes]) -> Report:
    data = b"".join(container_chunks([part_of(name, content) for name, content in parts.items()]))
    return check(io.BytesIO(data))


def test_a_sound_report_always_says_what_is_not_proven() -> None:
    report = check(SOUND)

    assert report.sound
    assert report.not_proven[: len(NOT_PROVEN)] == NOT_PROVEN
    assert any("true" in sentence for sentence in report.not_proven)
    assert any("left out" in sentence for sentence in report.not_proven)
    assert any("Whose log" in sentence for sentence in report.not_proven)
    assert any("left closed" in sentence for sentence in report.not_proven)
    assert any("named as its source" in sentence for sentence in report.not_proven)
    assert report.facts["items"] == 4
    assert report.facts["records"] == 3


def test_the_report_has_the_shape_of_the_command_line_contract() -> None:
    value = check(BUNDLES / "record_time_changed.zip").as_json()

    assert value["kind"] == "bundle"
    assert value["sound"] is False
    assert {"where", "what", "layer"} == value["problems"][0].keys()
    assert isinstance(value["not_proven"], list)
    assert json.loads(json.dumps(value)) == value


def test_with_the_key_known_from_elsewhere_the_log_is_known_too() -> None:
    report, bundle = read_bundle(SOUND)
    assert bundle is not None

    known = check(SOUND, key=bundle.key)
    other = check(SOUND, key=bundle.key[:-4] + "AAA=")

    assert known.sound
    assert known.not_proven == NOT_PROVEN
    assert [problem.layer for problem in other.problems] == ["signature"]
    assert report.sound


def test_a_changed_byte_names_the_file_it_is_in() -> None:
    parts = members()
    parts["attachments/0001.png"] += b"."

    report = checked(parts)

    assert ("manifest", "attachments/0001.png") in {(one.layer, one.where) for one in report.problems}


def test_a_changed_word_names_the_line_it_is_in() -> None:
    report = check(BUNDLES / "transcript_word_changed.zip")

    assert report.problems[0].where.startswith("transcript.txt, line ")


def test_a_damaged_description_is_damaged_and_not_another_format() -> None:
    parts = members()
    parts["proof/bundle.json"] = parts["proof/bundle.json"].replace(b"leeward/bundle/1", b"leeward/bundle/3")

    report = checked(parts)

    assert not report.sound
    assert report.problems[0].layer == "manifest"


def test_a_thousand_problems_do_not_fill_the_screen() -> None:
    parts = members()
    extra = {f"attachments/{n:04d}.txt": b"x" for n in range(2, 1000)}

    report = checked({**parts, **extra})

    assert len(report.problems) == 101


def test_every_vector_cut_anywhere_is_refused() -> None:
    data = SOUND.read_bytes()

    for size in range(0, len(data), 97):
        try:
            assert not check(io.BytesIO(data[:size])).sound
        except NotABundle:
            assert size < 40


def test_a_path_that_is_not_there_is_an_error_of_the_system() -> None:
    with pytest.raises(FileNotFoundError):
        check(BUNDLES / "nothing.zip")


def test_a_small_file_cannot_keep_the_check_busy() -> None:
    import time

    from leeward_proof.commit import canonical

    parts = members()
    value = json.loads(parts["proof/bundle.json"])
    note = next(item for item in value["items"] if item["entries"])
    field = next(
        one for batch in value["batches"] for entry in batch["entries"] for one in entry["open"] if one[1] == "when"
    )
    field[2] = ["x" * 50] * 20_000
    value["items"] += [{**note, "n": len(value["items"]) + n} for n in range(1, 5000)]
    parts["proof/bundle.json"] = canonical(value)
    began = time.process_time()

    report = checked(parts)

    assert not report.sound
    assert time.process_time() - began < 10  # without the bound it would print gigabytes


def test_a_part_larger_than_it_may_be_is_refused() -> None:
    parts = members()
    parts["README.txt"] = b"x" * (1 << 20) + b"y"

    report = checked(parts)

    assert [(one.layer, one.where) for one in report.problems] == [("container", "README.txt")]
