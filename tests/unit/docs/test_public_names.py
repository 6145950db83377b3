"""Public names are listed, and the examples in the docstrings run: in every module of both packages."""

import doctest
import importlib
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "src"


def modules(holding: str = "") -> list[str]:
    paths = [path.relative_to(SOURCE) for path in SOURCE.rglob("*.py") if holding in path.read_text(encoding="utf-8")]
    return sorted(
        ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for path in paths
        if path.name != "__main__.py" and "tests" not in path.parts
    )


@pytest.mark.parametrize("name", modules(holding="__all__ ="))
def test_the_list_of_public_names_is_what_is_there(name: str) -> None:
    module = importlib.import_module(name)

    listed: list[str] = module.__all__
    made_here = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and callable(value) and getattr(value, "__module__", "") == module.__name__
    ]

    assert [name for name in listed if not hasattr(module, name)] == []
    assert [name for name in made_here if name not in listed] == []
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize("name", modules(holding="\n    >>> "))
def test_the_examples_run(name: str) -> None:
    module = importlib.import_module(name)

    result = doctest.testmod(module)

    assert result.attempted > 0
    assert result.failed == 0
