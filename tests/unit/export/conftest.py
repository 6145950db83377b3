"""The made-up vault of vectors/world.py, for tests that make bundles."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def made_up() -> ModuleType:
    """Return vectors/world.py."""
    path = Path(__file__).parents[3] / "vectors" / "world.py"
    spec = importlib.util.spec_from_file_location("made_up_world", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["made_up_world"] = module
    spec.loader.exec_module(module)
    return module
