"""A bundle of 10,000 messages: choosing, opening, proving, printing, writing, checking; and the independent check.

typst alone is timed inside the same act: it is called with exactly what the act gives it.

Budgets: ≤ 5 s all in and ≤ 2 × typst alone; the independent check ≤ 1 s.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import measure


def part_bundle(vault: Path, start: str = "", end: str = "") -> int:
    """Write one bundle; say how long it took, and typst within it."""
    import typst

    from leeward.app.handing_over import hand_over
    from leeward.app.looking import asked_for

    inside: list[float] = []
    compile_alone = typst.compile

    def compile_timed(*given: Any, **named: Any) -> Any:
        seconds, result = measure.timed(lambda: compile_alone(*given, **named))
        inside.append(seconds)
        return result

    typst.compile = compile_timed
    out = measure.OUT / "bundle.zip"
    out.unlink(missing_ok=True)
    with measure.opened(vault) as session:
        session.timeline.counts()
        asked = asked_for(session, start=start or None, end=end or None)
        seconds, handed = measure.timed(lambda: hand_over(session, out, asked=asked))
        bare = measure.OUT / "bare.zip"
        bare.unlink(missing_ok=True)
        without, _ = measure.timed(lambda: hand_over(session, bare, asked=asked, pdf=False))
        bare.unlink()
    found = {"seconds": seconds, "typst": inside[0], "without": without, "items": handed.items}
    return measure.answer({**found, "size": out.stat().st_size})


def check() -> dict[str, float]:
    """Check the bundle as a stranger would: in a process of its own, and the bare act."""
    from leeward_proof.verify import check as verify

    out = measure.OUT / "bundle.zip"
    command = [measure.PYTHON, "-m", "leeward_proof", str(out)]
    process = measure.best_of(3, lambda: subprocess.run(command, check=True, capture_output=True))
    act = measure.best_of(3, lambda: verify(out))
    return {"process": process, "act": act}


def newest(vault: Path, count: int) -> str:
    """Return the day from which on there are at least *count* messages."""
    from leeward.evidence.item import Asked

    with measure.opened(vault) as session:
        after, item = None, None
        for _ in range(count // 1000):
            found = session.timeline.page(Asked(), limit=1000, after=after)
            after, item = found.more, found.items[-1]
        return str(item.at)[:10] if item else ""


def main() -> int:
    """Measure and print."""
    asked = measure.options(__doc__ or "", ("bundle",))
    if asked.part:
        return part_bundle(Path(asked.given[0]), *asked.given[1:])
    report = measure.Report("bundle", full=asked.full)
    count = 10_000 if asked.full else 2_000
    cases = [(f"{count:,} messages, all of a vault", measure.vault_of_messages(count), "")]
    if asked.full:
        large = measure.vault_of_messages(1_000_000)
        cases.append(("the newest 10,000 of 1,000,000 messages", large, newest(large, 10_000)))
    for what, vault, start in cases:
        runs = [measure.part("bench_bundle.py", "bundle", vault, start) for _ in range(3)]
        best = min(runs, key=lambda run: run["seconds"])
        report.row(
            f"bundle of {what}",
            best["seconds"],
            "s",
            budget="≤ 5 s",
            met=best["seconds"] <= 5,
            note=f"{best['items']:,} items, {best['size'] / 1e6:.1f} MB; without PDF {best['without']:.2f} s",
        )
        report.row(
            "  beside typst alone",
            best["seconds"],
            "s",
            beside="typst",
            value=best["typst"],
            budget="≤ 2 ×",
            met=best["seconds"] <= 2 * best["typst"],
        )
        checked = check()
        report.row(
            "  independent check of it",
            checked["process"],
            "s",
            beside="the act without starting Python",
            value=checked["act"],
            budget="≤ 1 s",
            met=checked["process"] <= 1,
        )
    (measure.OUT / "bundle.zip").unlink()
    return report.write()


if __name__ == "__main__":
    sys.exit(main())
