"""T-2: the owner's SIM, service centre and provider data do not leave, unless a whole file is handed over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leeward.app.handing_over import hand_over
from leeward.app.importing import import_files
from leeward.app.session import create_vault
from leeward.core.clock import SystemClock
from leeward.core.secret import Passphrase
from leeward.evidence.item import Asked
from leeward.ingest.base import Hints
from leeward.vault import primitives
from leeward_proof.verify import check

ROW = (
    '<sms protocol="0" address="+447700900123" date="1772496120000" type="1" body="is your phone off" '
    'service_center="+447700900777" read="1" status="-1" sub_id="8944500000000000001" contact_name="Chris" />'
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(primitives.KDF_PROFILES, 1, primitives.KdfProfile(8, 1, 1))
    monkeypatch.setattr("leeward.vault.vault.choose_kdf", lambda clock: 1)


@pytest.mark.parametrize("whole", [False, True])
def test_only_a_whole_file_takes_the_sim_and_the_service_centre_along(tmp_path: Path, whole: bool) -> None:
    export = tmp_path / "texts.xml"
    export.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<smses count="1">\n{ROW}\n</smses>\n', encoding="utf-8")
    bundle = tmp_path / "bundle.zip"
    passphrase = Passphrase.from_text("river stone lantern")

    with create_vault(tmp_path / "v", passphrase, clock=SystemClock(), random=os.urandom) as session:
        receipts = import_files(session, [export], Hints())
        hand_over(session, bundle, asked=Asked(), whole_archives=whole, pdf=False)

    content = bundle.read_bytes()
    assert "private_ids" in {flag.code for flag in receipts[0].flags}
    assert check(bundle).sound
    assert b"is your phone off" in content
    assert (b"+447700900777" in content, b"8944500000000000001" in content) == (whole, whole)  # whole: the control
