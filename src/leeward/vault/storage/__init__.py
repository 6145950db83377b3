"""Where a vault's opaque objects live. One contract (`base`), one file per implementation."""
