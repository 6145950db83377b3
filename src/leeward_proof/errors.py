"""What the independent check refuses, and at which layer.

::

    ProofError
    ├── NotABundle     the file is not a bundle of a version this program knows: nothing was checked
    └── Unsound        something that should prove itself does not; ``layer`` says which step failed

``layer`` is one of `LAYERS`. The vectors under ``vectors/`` name the layer that must fail.
"""

from __future__ import annotations

__all__ = ["LAYERS", "NotABundle", "ProofError", "Unsound"]

LAYERS = (
    "container",
    "manifest",
    "signature",
    "checkpoint",
    "top tree",
    "batch",
    "entry",
    "records root",
    "segment",
    "record",
    "file",
    "form",
    "transcript",
)
"""From the outside in. ``form`` is JSON that is not shaped as docs/formats/bundle.md §5 says, ``transcript`` a text
made from it that differs (§7, §8)."""


class ProofError(Exception):
    """Root of the errors of this distribution."""


class NotABundle(ProofError):
    """The file is not a bundle, or one of a version this program does not know."""


class Unsound(ProofError):
    """A check failed.

    Attributes:
        layer: one of `LAYERS`.
        where: the place inside the bundle, in its own numbering.
        what: one plain sentence.
    """

    def __init__(self, layer: str, where: str, what: str) -> None:
        super().__init__(f"{layer}: {where}: {what}")
        self.layer = layer
        self.where = where
        self.what = what
