"""``leeward doctor``: what is installed, what is missing, and what that costs."""

from __future__ import annotations

import click

from leeward.app.doctor import examine
from leeward.cli.opening import Asked, as_json, with_asked

__all__ = ["command"]

_MARKS = {"ok": "ok     ", "missing": "missing", "broken": "BROKEN "}


@click.command("doctor")
@as_json
@with_asked
def command(asked: Asked) -> int:
    """Look at this installation. Opens no vault."""
    findings = examine(asked.clock)
    if asked.voice.json:
        asked.voice.result_list(findings)
    else:
        for finding in findings:
            asked.voice.result(f"{_MARKS[finding.state]}  {finding.name}: {finding.text}")
    return 70 if any(finding.state == "broken" for finding in findings) else 0
