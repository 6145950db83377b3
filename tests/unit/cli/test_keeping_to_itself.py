"""What a command does first: its files are its owner's, and its memory is nobody's."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROBE = """
import contextlib, ctypes, os, resource
from leeward.cli.main import main
with contextlib.suppress(SystemExit):
    main(["--version"])
print(oct(os.umask(0)), resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what is in force")
def test_a_command_shares_neither_its_files_nor_its_memory() -> None:
    said = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True).stdout

    assert said.splitlines()[-1] == "0o77 (0, 0) 0"
