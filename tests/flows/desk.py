"""Ana's desk: Leeward as its people use it, commands with words in and words out, and the files they have.

Most tests call the command in this process (`Desk.do`), with the same arguments, streams and exit status as in a
shell. Some need a process of its own, to be killed or watched (`Desk.start`), and a few the installed program itself
(`Desk.installed`). Argon2id is cheap here except in the last: what is tested is never the cost of a passphrase.
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import quoteattr

import pytest
from tests.safety.vault_world import CHEAP

from leeward.app.session import Session, open_vault
from leeward.cli import main as command_line
from leeward.core.clock import SystemClock
from leeward.core.secret import Passphrase
from leeward.vault import primitives
from leeward.vault import vault as vault_module

ROOT = Path(__file__).parents[2]
PASSPHRASE = "lantern copper river meadow basket frost"
ZONE = "Europe/Dublin"
QUICK = Path(__file__).with_name("quick_leeward.py")


class Said(NamedTuple):
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The result, which is all of standard output."""
        return json.loads(self.out)


class Desk:
    """A folder with a vault, a passphrase file, and whatever Ana puts there."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.vault = folder / "notes.vault"
        self.secret = folder / "passphrase"
        self.secret.write_text(PASSPHRASE + "\n", encoding="utf-8")
        self._patch = patch
        patch.setitem(primitives.KDF_PROFILES, 1, CHEAP)
        patch.setattr(vault_module, "choose_kdf", lambda _clock: 1)
        patch.setenv("LEEWARD_PASSPHRASE_FILE", str(self.secret))
        patch.setenv("TZ", ZONE)
        patch.delenv("LEEWARD_DEBUG", raising=False)

    # -- speaking to it -----------------------------------------------------------------------------------------

    def do(self, *typed: object, expect: int | None = 0, stdin: bytes = b"") -> Said:
        """Run one command in this process. A traceback, or another exit status than expected, fails the test."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        umask, limits = os.umask(0), resource.getrlimit(resource.RLIMIT_CORE)
        with self._patch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            # The command takes memory images from its own process; this one is the test's.
            patch.setattr(resource, "setrlimit", lambda *_: None)
            try:
                command_line.main([str(word) for word in typed])
                raise AssertionError("the command did not end")
            except SystemExit as end:
                status = int(end.code or 0)
            finally:
                os.umask(umask)
                assert resource.getrlimit(resource.RLIMIT_CORE) == limits
        said = Said(status, *(_text(stream) for stream in (out, err)))
        assert "Traceback" not in said.err
        assert expect is None or said.status == expect, said
        return said

    def json(self, *typed: object, expect: int = 0, stdin: bytes = b"") -> Any:
        """Run one command with ``--json`` and return its result."""
        return self.do(*typed, "--json", expect=expect, stdin=stdin).json

    def new(self) -> None:
        """Make the vault."""
        self.do("new", self.vault)

    def take_in(self, *files: object, expect: int = 0) -> Any:
        """Import files; return the receipts."""
        return self.json("import", self.vault, *files, expect=expect)

    def write_down(self, text: str, *more: object) -> Any:
        """Log something; return the item."""
        return self.json("log", self.vault, "--text", text, *more)

    def items(self, *more: object) -> Any:
        """Return the timeline."""
        return self.json("timeline", self.vault, *more)

    def found(self, query: str, *more: object) -> Any:
        """Return what a search finds, newest first."""
        return self.json("search", self.vault, query, *more)

    def texts(self, *more: object) -> list[str]:
        """Return the texts of the timeline."""
        return [item["text"] for item in self.items(*more)]

    def sound(self, file: Path | None = None) -> bool:
        """Say whether the vault, or another file, passes its check."""
        said = self.do("verify", file or self.vault, "--json", expect=None)
        report = said.json
        assert said.status == (0 if report["sound"] else 1)
        return bool(report["sound"])

    # -- processes ----------------------------------------------------------------------------------------------

    def start(self, *typed: object, **options: Any) -> subprocess.Popen[bytes]:
        """Start a command as a process of its own, with a cheap Argon2id."""
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen([sys.executable, str(QUICK), *map(str, typed)], **given)

    def run(self, *typed: object, expect: int | None = 0, **options: Any) -> Said:
        """Run a command as a process of its own, with a cheap Argon2id, to its end."""
        return _ended(self.start(*typed, **options), expect)

    def installed(self, *typed: object, expect: int = 0, **options: Any) -> Said:
        """Run the installed program, as she does."""
        program = Path(sys.executable).with_name("leeward")
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return _ended(subprocess.Popen([str(program), *map(str, typed)], **given), expect)

    # -- looking inside -----------------------------------------------------------------------------------------

    @contextmanager
    def open(self) -> Iterator[Session]:
        """Open the vault, for what no command does yet."""
        clock = SystemClock()
        with open_vault(self.vault, Passphrase.from_text(PASSPHRASE), clock=clock, random=os.urandom) as session:
            yield session

    def file(self, name: str, content: bytes | str) -> Path:
        """Put a file on the desk."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


def _text(stream: io.TextIOWrapper) -> str:
    if stream.closed:
        return ""
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8")


def _ended(process: subprocess.Popen[bytes], expect: int | None) -> Said:
    out, err = process.communicate(timeout=120)
    said = Said(process.returncode, out.decode("utf-8"), err.decode("utf-8"))
    assert "Traceback" not in said.err, said.err
    assert expect is None or said.status == expect, said
    return said


# -- what people have ------------------------------------------------------------------------------------------------


class Text(NamedTuple):
    """A text message as Android keeps it: instant in ms, number, name, from her, words."""

    ms: int
    number: str
    name: str
    mine: bool
    words: str


def instant(text: str) -> int:
    """Return milliseconds since 1970 of an instant like ``2026-03-01T21:30:00+00:00``."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def sms_export(texts: Sequence[Text], *, count: int | None = None) -> bytes:
    """Return an export of SMS Backup & Restore."""
    lines = ["<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>"]
    lines.append(f'<smses count="{len(texts) if count is None else count}" backup_date="1772366400000">')
    for text in texts:
        lines.append(
            f'  <sms protocol="0" address={quoteattr(text.number)} date="{text.ms}" type="{2 if text.mine else 1}" '
            f'subject="null" body={_attribute(text.words)} toa="null" sc_toa="null" service_center="null" read="1" '
            f'status="-1" locked="0" date_sent="0" readable_date="" contact_name={_attribute(text.name)} />'
        )
    return ("\n".join([*lines, "</smses>"]) + "\n").encode()


def _attribute(words: str) -> str:
    return quoteattr(words, {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def texts_with(number: str, name: str, start: str, words: Sequence[str]) -> list[Text]:
    """Return texts one minute apart, the other's first, then hers, in turn."""
    first = instant(start)
    return [Text(first + n * 60_000, number, name, n % 2 == 1, word) for n, word in enumerate(words)]


def chat_export(lines: Sequence[tuple[str, str, str]]) -> bytes:
    """Return a WhatsApp export of an Android phone; each line is (``14/02/2026, 19:06``, name, words)."""
    opening = f"{lines[0][0]} - Messages and calls are end-to-end encrypted. Only people in this chat can read, listen to, or share them. Learn more"  # noqa: E501  # a line as the app writes it
    return "".join([opening + "\n", *(f"{when} - {name}: {words}\n" for when, name, words in lines)]).encode()


def shown(ms: int) -> str:
    """Return an instant as ISO 8601 in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
