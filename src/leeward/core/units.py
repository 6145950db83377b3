"""Units that a bare number would hide.

::

    KiB = 1,024 bytes     MiB = 1,048,576 bytes     (a kilobyte of 1,000 bytes is never used)

`Milliseconds` since 1970-01-01T00:00:00Z is how an instant is kept everywhere; `Seconds` is how long something takes.
`Digest` is the 32 bytes of a SHA-256. The types exist for the checker only: they cost nothing when the program runs.
"""

from __future__ import annotations

from typing import NewType

__all__ = ["DIGEST_BYTES", "Digest", "KiB", "MiB", "Milliseconds", "Seconds"]

KiB = 1024
MiB = 1024 * KiB

DIGEST_BYTES = 32
"""Bytes of a SHA-256 digest (FIPS 180-4)."""

Seconds = NewType("Seconds", float)
"""A duration."""

Milliseconds = NewType("Milliseconds", int)
"""An instant: milliseconds since 1970 UTC, leap seconds left out. May be negative."""

Digest = NewType("Digest", bytes)
"""The 32 bytes of a SHA-256."""
