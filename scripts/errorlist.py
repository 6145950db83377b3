"""Print docs/errors.md: every error Leeward raises on purpose, from the classes themselves."""

from __future__ import annotations

import sys

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


def every_class() -> list[type[errors.LeewardError]]:
    """Return the public error classes, by id: families first, then what is in them."""
    classes: list[type[errors.LeewardError]] = [vars(errors)[name] for name in errors.__all__]
    return sorted(classes, key=lambda error: error.id)


def page() -> str:
    """Return docs/errors.md."""
    rows = []
    for error in every_class():
        meaning = (error.__doc__ or "").partition("\n")[0].replace("``", "`")
        rows.append(f"| {error.id} | {error.exit_status} | `{error.__name__}` | {meaning} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page())
