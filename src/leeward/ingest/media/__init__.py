"""Pictures, sounds and films inside archives: what they are, and how their bytes are found again."""
