"""Somebody who can write to the closed file cannot make it keep what she deletes later (P-FREE)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.flows.desk import Desk

from leeward.app.incidents import delete, record_incident

TRIGGERS = """
CREATE TABLE stash(name, data);
CREATE TRIGGER "a ""b" BEFORE DELETE ON objects BEGIN INSERT INTO stash VALUES (OLD.name, OLD.data); END;
CREATE TRIGGER c BEFORE INSERT ON cells BEGIN INSERT INTO stash SELECT name, data FROM cells; END;
"""


def test_a_trigger_that_carl_put_into_the_file_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path, monkeypatch)
    desk.new()
    with desk.open() as session:
        item = record_incident(session, text="He broke the door.")
    with sqlite3.connect(desk.vault) as carl:
        carl.executescript(TRIGGERS)
    carl.close()

    with desk.open() as session:
        delete(session, item.id)
        problems = session.vault.check()

    with sqlite3.connect(desk.vault) as carl:
        assert carl.execute("SELECT count(*) FROM stash").fetchone() == (0,)
    carl.close()
    assert any("rules of their own" in problem.what for problem in problems)
