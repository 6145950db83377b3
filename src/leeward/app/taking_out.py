"""Taking everything out in open formats: nothing is held hostage.

::

    README.txt            what is where
    entries.jsonl         every entry of the log as it is, one JSON object a line, unknown fields included
    incidents.jsonl       every incident as it stands now, with its history
    timeline.csv          everything in one table
    archives/<id>/        original.<ext>, records.jsonl, receipt.json
    attachments/<id>-<n>.<ext>
    proof/checkpoint, proof/key

The files are in clear: whoever finds them can read them. The page says so before, and the command says so after.
"""

from __future__ import annotations

import csv
import json
import mimetypes
import re
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import msgspec

from leeward.app.session import Session
from leeward.core.errors import CannotWrite
from leeward.core.progress import Progress, Reached, silent
from leeward.evidence.custody import HANDOVER
from leeward.evidence.incident import INCIDENT
from leeward.evidence.item import Asked
from leeward.messages.record import FIELDS, decode_block
from leeward.vault.files import FileInfo, FileReader
from leeward.vault.kinds import ARCHIVE
from leeward.vault.log import Entry
from leeward.vault.vault import files_of

__all__ = ["TakenOut", "take_out"]

_README = """This folder holds everything that was in a vault, in forms that other programs read.

entries.jsonl      every entry as it was written, one JSON object a line
incidents.jsonl    what you wrote down, as it stands now, with its earlier versions
timeline.csv       everything in one table, oldest first
archives/          one folder for each file you took in: the original byte for byte, its messages, its receipt
attachments/       the files you added to what you wrote down
proof/             the signed head of the log and the key to check it with

These files are not protected. Anyone who finds them can read them.
"""


class TakenOut(NamedTuple):
    """What was written: where, entries, items, files."""

    path: Path
    entries: int
    items: int
    files: int


def take_out(session: Session, out: Path, *, on_progress: Progress = silent) -> TakenOut:
    """Write everything to the folder *out*, which must not exist or be empty.

    Raises:
        CannotWrite: it holds something, or there is no room. What was written so far stays, to be removed by her.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CannotWrite("This folder is not empty.", next_step="Choose a new folder; nothing was changed.")
    session.vault.append(HANDOVER, {"form": "export"}, zone=session.zone)
    session.vault.log.close_batch()
    try:
        (out / "archives").mkdir(parents=True)
        (out / "attachments").mkdir()
        (out / "proof").mkdir()
        return _Writer(session, out, on_progress).write()
    except OSError as error:
        raise CannotWrite(
            "Not everything could be written there.",
            lost="Your vault is as it was.",
            next_step="Check that there is room, remove what was written, and try again.",
        ) from error


class _Writer:
    def __init__(self, session: Session, out: Path, on_progress: Progress) -> None:
        self._session = session
        self._vault = session.vault
        self._out = out
        self._on_progress = on_progress
        self._files = 0

    def write(self) -> TakenOut:
        """Write all of it."""
        (self._out / "README.txt").write_text(_README, encoding="utf-8")
        entries = 0
        with _text(self._out / "entries.jsonl") as every, _text(self._out / "incidents.jsonl") as incidents:
            for entry in self._vault.entries():
                self._on_progress(Reached("export.write", entry.number, len(self._vault.log)))
                every.write(_line(entry.fields))
                entries += 1
                if entry.kind == INCIDENT.kind:
                    incidents.write(_line(self._incident(entry)))
                elif entry.kind == ARCHIVE.kind:
                    self._archive(entry)
        items = self._timeline()
        (self._out / "proof" / "checkpoint").write_text(self._vault.log.checkpoint, encoding="utf-8")
        (self._out / "proof" / "key").write_text(f"{self._vault.log.verifier_key}\n", encoding="utf-8")
        self._on_progress(Reached("export.write", entries, entries))
        return TakenOut(self._out, entries, items, self._files)

    def _incident(self, entry: Entry) -> dict[str, Any]:
        history = self._session.timeline.history(entry.id)
        for version in history:
            for n, (info, part) in enumerate(
                zip(files_of(version.fields), version.fields.get("attachments", []), strict=True), 1
            ):
                name = f"{version.id}-{n}{_ending(part.get('type', ''), part.get('name', ''))}"
                self._file(self._vault.file(version, info), self._out / "attachments" / name)
                part["kept_as"] = f"attachments/{name}"
        current = self._session.timeline.current(entry.number)
        return {"now": current, "history": [version.fields for version in history]}

    def _archive(self, entry: Entry) -> None:
        folder = self._out / "archives" / entry.id
        folder.mkdir()
        info = FileInfo(**entry.fields["file"])
        ending = _ending(entry.fields.get("type", ""), entry.fields.get("name", ""))
        self._file(self._vault.file(entry, info), folder / f"original{ending}")
        known = self._session.timeline.archive_with(entry.fields["sha256"])
        if known is None or known[2] is None:
            return
        reading = self._vault.entry(known[2])
        (folder / "receipt.json").write_text(json.dumps(known[3], ensure_ascii=False, indent=1), encoding="utf-8")
        with _text(folder / "records.jsonl") as lines:
            for block in self._vault.reading(reading).blocks():
                for record in decode_block(block):
                    value = dict(zip(FIELDS, msgspec.to_builtins(record), strict=True))
                    del value["raw"]
                    lines.write(_line(value))

    def _file(self, reader: FileReader, path: Path) -> None:
        with path.open("xb") as file:
            for portion in reader.stream():
                file.write(portion)
        self._files += 1

    def _timeline(self) -> int:
        count = 0
        with (self._out / "timeline.csv").open("w", encoding="utf-8-sig", newline="") as file:
            table = csv.writer(file)
            table.writerow(["id", "kind", "at", "at_kind", "written_at", "person", "service", "text", "attachments"])
            for item in self._session.timeline.all(Asked(aside=True)):
                names = "; ".join(part["name"] for part in item.attachments)
                row = [item.id, item.kind, item.at, item.at_kind, item.written_at, item.person, item.service, item.text]
                table.writerow([_cell(value) for value in (*row, names)])
                count += 1
        return count


def _text(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="\n")


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def _cell(value: str | None) -> str:
    """Return a value for a table: a spreadsheet must not take a message for a formula."""
    text = value or ""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


_TYPES = mimetypes.MimeTypes()
"""Python's own list: the same on every device, whatever the system's list says."""

_PLAIN_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}")


def _ending(media_type: str, name: str = "") -> str:
    """Return the ending for a file: by content, else as it was given when that is plain, else ``.bin``."""
    known = _TYPES.guess_extension(media_type.partition(";")[0], strict=False)
    given = Path(name).suffix
    if known not in (None, ".txt"):
        return str(known)
    # Words are of many kinds (XML, JSON, a table), which the name tells and the first bytes do not.
    return given.lower() if _PLAIN_ENDING.fullmatch(given) else known or ".bin"
