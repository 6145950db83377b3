"""What can be set from outside, read once at the edge and handed down.

`settings_from` turns an environment into values. It takes the environment as an argument: only ``cli.main`` (and later
``web.settings``) looks at the real one, and a test in tests/safety holds that.

::

    LEEWARD_PASSPHRASE_FILE   a file that holds the passphrase, for scripts        unset: ask
    LEEWARD_DEBUG             "1": our mistakes show their traceback, which can    unset: a sentence and an error id
                              hold text of hers; for developers, on made-up data
    LEEWARD_REGION            two letters: how a number without country code is    unset: such a number matches
                              to be understood when numbers are compared           only itself
    TZ                        the zone, when it is an IANA name                    unset: what the device is set to
    NO_COLOR                  anything: no colour and no moving bar                unset: as the terminal allows
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from leeward.core.errors import UsageError

__all__ = ["Settings", "settings_from"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, with the value that is safest when nothing is said.

    Attributes:
        passphrase_file: None means: ask the person.
        debug: tracebacks may be shown.
        region: ISO 3166 letters, upper case, or None.
        zone: IANA name, or None: ask the device, then the person.
        plain: no colour and no moving bar.
    """

    passphrase_file: Path | None = None
    debug: bool = False
    region: str | None = None
    zone: str | None = None
    plain: bool = False


def settings_from(environment: Mapping[str, str]) -> Settings:
    """
    Read the settings out of *environment*. An empty value counts as unset.

    Raises:
        UsageError: ``LEEWARD_REGION`` is not two letters. A ``TZ`` that is no IANA name is valid elsewhere and ignored.
    """
    region = environment.get("LEEWARD_REGION", "").strip().upper()
    if region and not (len(region) == 2 and region.isascii() and region.isalpha()):
        raise UsageError("LEEWARD_REGION is not a country.", next_step="Use two letters, such as GB.")
    passphrase_file = environment.get("LEEWARD_PASSPHRASE_FILE", "")
    return Settings(
        passphrase_file=Path(passphrase_file) if passphrase_file else None,
        debug=environment.get("LEEWARD_DEBUG", "") == "1",
        region=region or None,
        zone=_zone(environment.get("TZ", "")),
        plain=bool(environment.get("NO_COLOR", "")),
    )


def _zone(name: str) -> str | None:
    name = name.removeprefix(":")  # POSIX allows ":Europe/London"
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return None
    return name
