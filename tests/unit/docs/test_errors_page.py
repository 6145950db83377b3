import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from leeward.core import errors

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def errorlist() -> ModuleType:
    spec = importlib.util.spec_from_file_location("errorlist", ROOT / "scripts" / "errorlist.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_errors_is_what_the_source_says(errorlist: ModuleType) -> None:
    written = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")

    assert written == errorlist.page(), "write it anew with: make docs"


def test_every_error_is_public_drawn_in_the_tree_and_says_what_it_means() -> None:
    classes = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, BaseException) and each.__module__ == errors.__name__
    ]

    assert sorted(each.__name__ for each in classes) == sorted(errors.__all__)
    for each in classes:
        assert issubclass(each, errors.LeewardError)
        assert each.__name__ in (errors.__doc__ or "")
        assert each.__doc__


def test_error_ids_are_unique_and_exit_statuses_fit_a_shell() -> None:
    classes = [vars(errors)[name] for name in errors.__all__]

    assert len({each.id for each in classes}) == len(classes)
    assert all(0 < each.exit_status < 256 for each in classes)
