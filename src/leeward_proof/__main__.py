"""``python -m leeward_proof FILE.zip``: check a bundle and say what was found.

The voice: plain and exact. What was found first, then the places of the problems, then what no bundle can prove.
Nothing from inside the bundle is printed without making hidden characters visible, so it cannot write on the screen.

Exit: 0 sound, 1 unsound, 2 not a bundle (or not readable).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator

from leeward_proof.bundle import Bundle
from leeward_proof.errors import NotABundle
from leeward_proof.transcript import counted, visible
from leeward_proof.verify import Report, read_bundle

__all__ = ["main"]

SOUND, UNSOUND, NOT_A_BUNDLE = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run the check and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m leeward_proof",
        description="Check a bundle made by Leeward. Exit: 0 sound, 1 unsound, 2 not a bundle.",
    )
    parser.add_argument("file", help="the bundle, a .zip file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--list", action="store_true", help="print each item with the values that were proven")
    parser.add_argument("--key", help="the verifier key this log must have, if you were given it by another road")
    options = parser.parse_args(arguments)
    try:
        report, bundle = read_bundle(options.file, key=options.key)
    except NotABundle as error:
        return _refused(options.json, f"This file was not checked: {error}.")
    except OSError:
        return _refused(options.json, "This file cannot be read. Nothing was checked.")
    lines = _json(report) if options.json else _text(report)
    if options.list and not options.json and bundle is not None:
        lines = [*lines, *_items(bundle)]
    _print(lines)
    return SOUND if report.sound else UNSOUND


def _refused(as_json: bool, sentence: str) -> int:
    if as_json:
        problem = {"layer": "container", "where": "the file", "what": sentence}
        _print([json.dumps({"kind": "not a bundle", "sound": False, "problems": [problem], "not_proven": []})])
    else:
        _print([sentence])
    return NOT_A_BUNDLE


def _print(lines: list[str]) -> None:
    # Bytes, so that a terminal or pipe without UTF-8 gets them all the same instead of an error.
    try:
        sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The reader of the pipe has gone. Python would complain at exit; the exit status still counts.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _json(report: Report) -> list[str]:
    return [json.dumps(report.as_json(), ensure_ascii=True, sort_keys=True)]


def _text(report: Report) -> list[str]:
    facts = report.facts
    lines = [
        "SOUND: everything in this bundle fits its proof." if report.sound else "UNSOUND: do not rely on this file."
    ]
    for problem in report.problems:
        lines.append(f"  {problem.layer}: {visible(problem.where)}: {visible(problem.what)}")
    if report.sound:
        lines += [
            "",
            f"Proven: {counted(facts['items'], 'item')}, from {facts['entries']:,} of the entries of the log and"
            f" {counted(facts['records'], 'message')} out of {counted(facts['archives'], 'archive')};"
            f" {counted(facts['files'], 'file')}.",
            f"Words equal to the proven bytes: {counted(facts['words_equal_proven_bytes'], 'item')}."
            f" Words shown together with their source: {counted(facts['words_shown_with_source'], 'item')}.",
            f"Log: {visible(facts['key'])}",
        ]
    return [*lines, "", "Not proven:", *(f"  - {sentence}" for sentence in report.not_proven)]


def _items(bundle: Bundle) -> Iterator[str]:
    yield ""
    yield "Opened values:"
    for item in bundle.items:
        if item.record >= 0:
            record = bundle.records[item.record]
            reading = bundle.readings[bundle.reading_of[item.record]]
            original = bundle.entries[reading.entry].field("original")
            digest = original.value if original is not None else ""
            yield visible(f"#{item.n} from {digest}: {record.raw.decode('utf-8', 'backslashreplace')}")
        for number in item.entries:
            for field in bundle.entries[number].open:
                yield visible(f"#{item.n} {field.name}: {field.canonical.decode('utf-8')}")


if __name__ == "__main__":
    sys.exit(main())
