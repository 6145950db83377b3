"""P-TAMPER: what somebody else holds finds a log that was put back, cut or rewritten."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from leeward.app.checking import check_vault
from leeward.app.incidents import record_incident
from leeward.app.session import Session, create_vault, open_vault
from leeward.core.clock import SystemClock
from leeward.core.errors import CannotRead, NotAVault
from leeward.core.secret import Passphrase
from leeward.vault import primitives

PASSPHRASE = Passphrase.from_text("river stone lantern")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(primitives.KDF_PROFILES, 1, primitives.KdfProfile(8, 1, 1))
    monkeypatch.setattr("leeward.vault.vault.choose_kdf", lambda clock: 1)


def ana(path: Path) -> Session:
    return create_vault(path, PASSPHRASE, clock=SystemClock(), random=os.urandom)


def again(path: Path) -> Session:
    return open_vault(path, PASSPHRASE, clock=SystemClock(), random=os.urandom)


def written(session: Session, count: int) -> str:
    for n in range(count):
        record_incident(session, text=f"something {n}")
    session.vault.log.close_batch()
    return session.vault.log.checkpoint


def test_a_vault_that_grew_still_holds_all_that_bea_s_checkpoint_covers(tmp_path: Path) -> None:
    with ana(tmp_path / "v") as session:
        (tmp_path / "kept").write_text(written(session, 3), encoding="utf-8")
        written(session, 70)

        report = check_vault(session, held=tmp_path / "kept")

    assert report.sound


def test_a_vault_put_back_to_an_older_copy_is_found(tmp_path: Path) -> None:
    with ana(tmp_path / "v") as session:
        written(session, 3)
    shutil.copy(tmp_path / "v", tmp_path / "older")
    with again(tmp_path / "v") as session:
        (tmp_path / "kept").write_text(written(session, 3), encoding="utf-8")

    with again(tmp_path / "older") as session:
        report = check_vault(session, held=tmp_path / "kept")
        alone = check_vault(session)

    assert not report.sound
    assert report.problems[0]["where"] == "checkpoint kept elsewhere"
    assert alone.sound  # from inside an older copy looks whole: that is why somebody else holds a checkpoint


def test_a_history_written_anew_after_an_older_copy_is_found(tmp_path: Path) -> None:
    with ana(tmp_path / "v") as session:
        written(session, 3)
    shutil.copy(tmp_path / "v", tmp_path / "older")
    with again(tmp_path / "v") as session:
        (tmp_path / "kept").write_text(written(session, 3), encoding="utf-8")

    with again(tmp_path / "older") as session:
        written(session, 5)
        written(session, 5)
        report = check_vault(session, held=tmp_path / "kept")

    assert not report.sound


@pytest.mark.parametrize("change", ["another vault", "a changed letter"])
def test_a_checkpoint_that_is_not_this_vault_s_is_refused(tmp_path: Path, change: str) -> None:
    with ana(tmp_path / "other") as session:
        text = written(session, 1)
    with ana(tmp_path / "v") as session:
        own = written(session, 1)
        (tmp_path / "kept").write_text(text if change == "another vault" else own.replace("\n1\n", "\n2\n"))

        report = check_vault(session, held=tmp_path / "kept")

    assert not report.sound


def test_a_file_without_a_checkpoint_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.zip").write_bytes(b"PK\x03\x04 not a zip")
    with ana(tmp_path / "v") as session:
        written(session, 1)

        with pytest.raises(NotAVault, match="no checkpoint"):
            check_vault(session, held=tmp_path / "empty.zip")
        with pytest.raises(CannotRead):
            check_vault(session, held=tmp_path / "nowhere")
