"""The independent check: can this bundle be what it says it is?

A small program that needs neither Leeward nor a server nor the network: Python's standard library and ``cryptography``.
Run it as ``python -m leeward_proof FILE.zip``. What it proves, and what it cannot prove, is in docs/formats/bundle.md.
"""

__version__ = "0.1.0"
