"""The registry of entry kinds: what fields each has, which version writes them, and how older ones are read.

An entry is fields by name. A kind's `Schema` says which fields this version knows; everything else is *kept*: unknown
fields travel with the entry through every amendment and export, and an unknown kind is shown as "written by a newer
version". Migrations change what is *read*, never what is in the log. docs/formats/entries.md lists the kinds; a test
compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from leeward.core.errors import FromNewerVersion, OurMistake, UsageError

__all__ = ["COMMON", "MAX_FIELDS", "Migration", "Schema", "View", "kinds", "new_fields", "read", "register"]

MAX_FIELDS = 16
"""Slots of an entry (docs/formats/log.md §2)."""

COMMON = ("id", "kind", "v", "written")
"""Fields every entry has: id, kind, schema version, and when it was written (milliseconds since 1970 UTC and zone)."""

Migration = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes the fields of one version, returns those of the next. Pure."""


class Schema(NamedTuple):
    """One kind of entry.

    Attributes:
        kind: its name.
        version: what this version writes.
        fields: name to one sentence, besides the common ones.
        migrations: from version n to n+1, by n.
    """

    kind: str
    version: int
    fields: Mapping[str, str]
    migrations: Mapping[int, Migration] = {}


class View(NamedTuple):
    """An entry as this version understands it.

    Attributes:
        kind: its kind.
        known: the fields this version knows, absent ones left out.
        unknown: the fields it does not know, kept as they are.
        newer: True when kind or version is newer than this program: show, keep, never rewrite.
    """

    kind: str
    known: dict[str, Any]
    unknown: dict[str, Any]
    newer: bool


_KINDS: dict[str, Schema] = {}


def register(schema: Schema) -> Schema:
    """Add a kind. Called once for each, by the module that owns it."""
    if schema.kind in _KINDS and _KINDS[schema.kind] != schema:
        raise OurMistake("Two parts of Leeward claim the same kind of entry.")
    if len(schema.fields) + len(COMMON) > MAX_FIELDS:
        raise OurMistake("A kind of entry has more fields than an entry has slots.")
    _KINDS[schema.kind] = schema
    return schema


def kinds() -> dict[str, Schema]:
    """Return all kinds registered so far."""
    return dict(_KINDS)


def new_fields(schema: Schema, identity: str, written: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a new entry: common ones and those given; None and empty values are left out.

    Raises:
        UsageError: more fields than an entry has slots (only possible with many unknown ones).
        OurMistake: a field the schema does not have.
    """
    strange = set(fields) - set(schema.fields)
    if strange:
        raise OurMistake("An entry was given a field that its kind does not have.")
    kept = {name: value for name, value in fields.items() if value not in (None, "", [], {})}
    result = {"id": identity, "kind": schema.kind, "v": schema.version, "written": dict(written), **kept}
    if len(result) > MAX_FIELDS:
        raise UsageError("This entry has more parts than can be kept together.", next_step="Please split it in two.")
    return result


def read(fields: Mapping[str, Any]) -> View:
    """Return the fields of an entry as this version understands them; migrations are applied to a copy.

    Raises:
        FromNewerVersion: the entry has no kind or version this program could place at all.
    """
    kind, version = fields.get("kind"), fields.get("v")
    if not isinstance(kind, str) or not isinstance(version, int):
        raise FromNewerVersion("An entry has a form that this version of Leeward does not know.")
    schema = _KINDS.get(kind)
    if schema is None:
        return View(kind, {name: fields[name] for name in COMMON if name in fields}, dict(fields), True)
    current = dict(fields)
    for step in range(version, schema.version):
        current = schema.migrations[step](current)
    names = (*COMMON, *schema.fields)
    known = {name: current[name] for name in names if name in current}
    unknown = {name: value for name, value in current.items() if name not in names}
    return View(kind, known, unknown, version > schema.version)
