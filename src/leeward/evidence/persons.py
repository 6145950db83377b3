"""Persons as entries: each act of hers (named, joined, split, undone) is one entry of kind ``person``.

The persons are what all acts so far come to (``people/person.py``); nothing joins by itself.
"""

from __future__ import annotations

from typing import Any

import msgspec

from leeward.people.person import Act
from leeward.vault.records import Schema, register

__all__ = ["PERSON", "act_from", "act_to"]

PERSON = register(Schema("person", 1, {"act": "what she did: named, joined, split or undone, and with whom"}))


def act_to(act: Act) -> dict[str, Any]:
    """Return an act as the value of the field ``act``."""
    value: dict[str, Any] = msgspec.to_builtins(act)
    return value


def act_from(value: dict[str, Any]) -> Act:
    """Return the act a field ``act`` holds."""
    act: Act = msgspec.convert(value, Act)
    return act
