"""What a message holds beside words: files, gaps where files were, and what the app wrote in a person's name.

Structure first, words second (`phrases.py`): a body that is nothing but ``<…>`` stands for a file left out in every
language; a name with an ending before words in parentheses is an attached file; on an iPhone U+200E stands before
what the app wrote, and also before the head of a line with a file. `read_body` is called only for bodies that show
one of these signs, or that begin like a known phrase.

It refuses to take words away: only the app's own mark of an edit and invisible marks are left out of the text, and
the raw bytes keep them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from leeward.ingest.base import MediaRef
from leeward.ingest.readers.whatsapp_txt.attachments import Shelf
from leeward.ingest.readers.whatsapp_txt.phrases import (
    CALLS,
    DELETED,
    DISAPPEARING,
    EDITED,
    ENCRYPTED,
    NOTICES,
    OMITTED,
)

__all__ = ["PHRASE_STARTS", "Body", "Setting", "is_deleted", "mentions", "read_body"]

_MARK: Final = "\u200e"
_ENDING: Final = r"\.[A-Za-z0-9]{2,5}"
_FILE: Final = re.compile(r"[^\s/\\:<>|?*][^/\\:<>|?*\n]{0,250}" + _ENDING)
_ANDROID_FILE: Final = re.compile(r"\u200e?(.{1,250}" + _ENDING + r")[\u200e\u200f]? ?[(（]([^()（）\n]{2,60})[)）]")
_OLD_FILE: Final = re.compile(r"\u200e?(.{1,250}" + _ENDING + r") <(\u200e?[^<>\n]{2,40})>")
_ANGLE: Final = re.compile(r"(\u200e?)<([^<>\n]{2,300})>")
_OWN_NAME: Final = re.compile(r"(?:IMG|VID|PTT|AUD|STK|DOC)-\d{8}-WA\d+\.|\d{8}-[A-Z_]+-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d")
_EDIT: Final = re.compile(r" ?(\u200e?)<([^<>\n]{3,80})>$")
_LETTER: Final = re.compile(r"[^\W\d_]")

_ATTACHED: Final = (
    "attached",
    "angehängt",
    "adjunto",
    "joint",
    "anexado",
    "allegato",
    "bijgevoegd",
    "добавлен",
    "bifogad",
    "vedhæftet",
    "vedlagt",
    "liitetty",
    "załączony",
    "přiložen",
    "csatolva",
    "atașat",
    "ekli",
    "terlampir",
    "添付",
    "첨부",
    "附加",
    "附件",
    "附上",
    "مرفق",
    "קובץ מצורף",
    "अटैच",
    "แนบ",
    "đính kèm",
    "επισυν",
)

PHRASE_STARTS: Final = frozenset(
    {form.encode()[:6] for phrase in DELETED for form in (phrase, phrase[:1].upper() + phrase[1:])}
    | {b"null", b"POLL:"}
)
"""First six bytes of bodies that may be more than words: marks of deletion, and what stands for an empty body."""


class Setting(NamedTuple):
    """What the file around a body says.

    Attributes:
        shelf: the files that came along.
        apple: the file is in an iPhone's frame, where U+200E means "written by the app".
        brackets: how often each ``<…>`` ends a line of the file.
        names: everyone who writes, as shown.
        voices: names under which only the app speaks: the group's own.
    """

    shelf: Shelf
    apple: bool
    brackets: Mapping[str, int]
    names: Collection[str]
    voices: Collection[str]


class Body(NamedTuple):
    """What a body holds.

    Attributes:
        text: for reading.
        media: files it refers to; a reference without name stands for a file left out.
        extra: small facts.
        notice: the app wrote it, no person did.
    """

    text: str
    media: tuple[MediaRef, ...]
    extra: dict[str, Any]
    notice: bool


def _form(text: str) -> str:
    """Return the form in which phrases are compared."""
    return text.replace(_MARK, "").strip(" .。।\u00a0").casefold()


def is_deleted(text: str) -> bool:
    """Say whether a whole body is the app's mark of a deleted message."""
    return _form(text) in DELETED


def mentions(text: str, phrases: tuple[str, ...]) -> bool:
    """Say whether one of the phrases occurs, in any case."""
    folded = text.casefold()
    return any(phrase in folded for phrase in phrases)


def _is_encryption(text: str) -> bool:
    return len(text) >= 16 and mentions(text, ENCRYPTED)


def _name_inside(content: str, shelf: Shelf) -> str:
    """Return the file name inside ``<attached: name>`` or ``<name attached>`` of any language, ``""`` when none."""
    content = content.replace(_MARK, "").strip()
    after = content.partition(":")[2].strip()
    if after and (shelf.find(after) is not None or _FILE.fullmatch(after)):
        return after
    before = re.match(r"(.+?" + _ENDING + r")(?:\s+\S.*)?$", content)
    return before.group(1) if before and ":" not in before.group(1) else ""


def _files(first: str, text: str, setting: Setting) -> list[str]:
    """Return the names of attached files, in order."""
    shelf = setting.shelf
    found = _ANDROID_FILE.fullmatch(first)
    if found and not setting.apple:
        name, words = found.groups()
        sure = shelf.find(name) is not None or _OWN_NAME.match(name) or first.startswith(_MARK)
        if sure or mentions(words, _ATTACHED):
            return [name]
    found = _OLD_FILE.fullmatch(first)
    if found and (_MARK in found.group(2) or shelf.find(found.group(1)) is not None):
        return [found.group(1)]
    names = []
    for angle in _ANGLE.finditer(text):
        name = _name_inside(angle.group(2), shelf)
        if name and (angle.group(1) or shelf.find(name) is not None or _OWN_NAME.match(name)):
            names.append(name)
    return names


def _left_out(first: str, marked: bool, setting: Setting) -> bool:
    """Say whether the first line stands for a file that was left out of the export."""
    if not setting.apple:
        inner = first.replace(_MARK, "").strip()
        if not (inner.startswith("<") and inner.endswith(">")) or inner.count("<") != 1 or len(inner) > 90:
            return False
        inside = inner[1:-1]
        if len(_LETTER.findall(inside)) < 2 or "://" in inside or "@" in inside:
            return False
        sentence = not inside.isascii() or " " in inside.strip()
        return sentence or setting.brackets.get(inside, 0) >= 2 or mentions(inside, OMITTED)
    before, mark, last = first.rpartition(_MARK)
    if not mark or not 2 <= len(last) <= 60 or last.startswith("<") or is_deleted(last):
        return False
    if mentions(last, OMITTED):
        return True
    if mentions(last, NOTICES) or mentions(last, CALLS) or any(name in last for name in setting.names if len(name) > 2):
        return False
    return marked and (before in ("", _MARK) or _FILE.search(before) is not None) and len(last) <= 40


def _edit_mark(text: str, setting: Setting) -> re.Match[str] | None:
    """Find the app's mark of an edit at the end of a text."""
    found = _EDIT.search(text)
    if found is None or found.start() == 0:
        return None
    inside = found.group(2)
    if not _LETTER.search(inside) or _FILE.search(inside):
        return None
    known = mentions(inside, EDITED) and (
        bool(found.group(1)) or " " in inside or not inside.isascii() or len(inside) > 5
    )
    recurs = setting.brackets.get(inside, 0) >= 2 and (" " in inside or not inside.isascii())
    return found if found.group(1) or known or recurs else None


def read_body(text: str, sender: str, setting: Setting, *, marked: bool, first_of_all: bool) -> Body:
    """
    Read a body that shows signs of more than words.

    Args:
        text: the body, decoded, without its final line end.
        sender: the name it is attributed to.
        setting: the file around it.
        marked: U+200E stands before the head of its line.
        first_of_all: it is the first record of the file.
    """
    extra: dict[str, Any] = {}
    edit = _edit_mark(text, setting)
    if edit is not None:
        extra["edited"] = True
        text = text[: edit.start()]
    first = text.partition("\n")[0].rstrip()
    generated = setting.apple and text.startswith(_MARK)
    names = _files(first, text, setting)
    if names:
        return Body(text.replace(_MARK, ""), tuple(setting.shelf.reference(name) for name in names), extra, False)
    if is_deleted(text):
        extra["deleted"] = True
        return Body(text.strip(_MARK), (), extra, False)
    if _left_out(first, marked, setting) and not (generated and _is_encryption(text)):
        extra["media_omitted"] = True
        return Body(text.replace(_MARK, ""), (MediaRef(""),), extra, False)
    plain = text.replace(_MARK, "") if generated else text
    if generated:
        if sender in setting.voices:
            return Body(plain, (), extra, True)
        if len(plain) <= 80 and mentions(plain, CALLS):
            extra["call"] = True
            return Body(plain, (), extra, False)
        named = any(plain.startswith(name) for name in setting.names if len(name) > 1)
        if named or mentions(plain, NOTICES) or (first_of_all and len(plain) >= 24):
            return Body(plain, (), extra, not plain.startswith(("POLL:", "OPTION:")))
    if plain in ("", "null", "."):
        extra["no_content"] = True
    elif plain.startswith("POLL:"):
        extra["poll"] = True
    if mentions(plain[:200], DISAPPEARING) and generated:
        extra["disappearing"] = True
    return Body(plain, (), extra, False)
