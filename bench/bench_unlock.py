"""From the passphrase to the first page.

Argon2id is the part that is meant to be slow; it is measured alone in the same process with the profile of the vault
that is opened. What is left is ours: the head, the log, the projection from its sealed snapshot, the newest 50 items.

Budgets beside Argon2: ≤ 0.5 s for 100,000 entries written one by one, ≤ 1.5 s for 1,000,000 messages.
"""

from __future__ import annotations

import sys
from pathlib import Path

import measure

BATCH = 64


def vault_of_entries(count: int) -> Path:
    """Return a vault of *count* incidents, appended in groups so that making it does not take the night."""
    from leeward.evidence.incident import INCIDENT
    from leeward.vault.log import NewEntry
    from leeward.vault.records import new_fields

    path = measure.OUT / f"entries-{count}.leeward"
    if path.exists():
        return path
    making = measure.OUT / "making.leeward"
    words = [line[20:].strip() for line in measure.chat(100_000).read_text().splitlines()[1:] if " - " in line]
    with measure.create(making) as session:
        vault = session.vault
        for start in range(0, count, BATCH):
            group = []
            for n in range(start, min(start + BATCH, count)):
                text = " ".join(words[(n * 7 + i) % len(words)] for i in range(5))
                fields = {"text": text}
                group.append(NewEntry(new_fields(INCIDENT, vault.new_id(), vault.written_now("Europe/London"), fields)))
            vault.log.append(group)
        session.timeline.save()
    making.rename(path)
    return path


def part_unlock(path: Path) -> int:
    """Unlock in a fresh process and look at the first page."""
    from leeward.app.looking import asked_for, page
    from leeward.vault.header import KDF_PROFILES
    from leeward.vault.primitives import argon2id
    from leeward.vault.storage.sqlite import SqliteStorage

    measure.warm(path)
    storage = SqliteStorage.open(path)
    header = storage.cell("header") or b""
    storage.close()
    profile = KDF_PROFILES[header[9]]
    stretch = measure.best_of(3, lambda: argon2id(measure.PASSPHRASE.encode(), bytes(32), profile))

    def once() -> float:
        session = None
        try:
            seconds, session = measure.timed(lambda: measure.open_again(path))
            more, shown = measure.timed(lambda: page(session, asked_for(session), limit=50))
            if len(shown.items) != 50:
                raise SystemExit("the first page is not full")
            return seconds + more
        finally:
            if session is not None:
                session.close(save=False)

    return measure.answer({"argon2": stretch, "seconds": once(), "again": once()})


def main() -> int:
    """Measure and print."""
    asked = measure.options(__doc__ or "", ("unlock",))
    if asked.part:
        return part_unlock(Path(asked.given[0]))
    report = measure.Report("unlock", full=asked.full)
    entries, messages = (100_000, 1_000_000) if asked.full else (5_000, 100_000)
    for what, path, allowed in (
        (f"{entries:,} entries", vault_of_entries(entries), 0.5),
        (f"{messages:,} messages", measure.vault_of_messages(messages), 1.5),
    ):
        runs = [measure.part("bench_unlock.py", "unlock", path) for _ in range(3)]
        best = min(runs, key=lambda run: run["seconds"] - run["argon2"])
        beside = best["seconds"] - best["argon2"]
        report.row(
            f"unlock to first page, {what}",
            best["seconds"],
            "s",
            beside="Argon2id alone",
            value=best["argon2"],
            budget=f"≤ Argon2 + {allowed} s",
            met=beside <= allowed,
            note=f"ours: {beside:.2f} s",
        )
    return report.write()


if __name__ == "__main__":
    sys.exit(main())
