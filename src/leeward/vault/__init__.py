"""The vault: sealed objects, an append-only log, files, readings, and a projection that lives in memory only."""
