"""What leaves the vault: bundles, transcripts, custody records."""
