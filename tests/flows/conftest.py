from pathlib import Path

import pytest
from tests.flows.desk import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Ana's desk, without a vault yet."""
    return Desk(tmp_path, monkeypatch)
