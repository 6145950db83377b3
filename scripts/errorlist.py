"""Print docs/errors.md: every error Leeward raises on purpose, from the classes themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from leeward.core import errors

HEAD = """\
# Errors

*Made from `src/leeward/core/errors.py` by `make docs`; a test compares.*

Every error that Leeward raises on purpose has an id that stays the same, and an exit status for scripts. The sentence
you see says what happened, whether anything was lost, and what you can do next. Logs get the id and the name, never
text of yours.

Exit 0 means: done. Exit 3 also ends an import in which some file could not be read; the others are in.

| id | exit | name | what it means |
| --- | ---: | --- | --- |
"""


def every_class(root: type[errors.LeewardError]) -> Iterator[type[errors.LeewardError]]:
    """Yield *root* and everything below it, each once, families together."""
    yield root
    for child in root.__subclasses__():
        yield from every_class(child)


def page() -> str:
    """Return docs/errors.md."""
    rows = []
    for error in sorted(every_class(errors.LeewardError), key=lambda error: (error.id, len(error.__mro__))):
        meaning = (error.__doc__ or "").partition("\n")[0].replace("``", "`")
        rows.append(f"| {error.id} | {error.exit_status} | `{error.__name__}` | {meaning} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page())
