"""The command in a process of its own, with a cheap Argon2id: for tests that kill, interrupt or watch it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.safety.vault_world import CHEAP

from leeward.cli.main import main  # found only after the line above, as are the two below
from leeward.vault import primitives, vault

primitives.KDF_PROFILES[1] = CHEAP
setattr(vault, "choose_kdf", lambda clock: 1)  # noqa: B010  # vault only borrows the name, which mypy holds

main()
