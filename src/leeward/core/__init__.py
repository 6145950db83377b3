"""What everything else stands on: time, chance, ids, secrets, errors, the log, long work. Knows nothing of a vault."""
