"""Who wrote: handles as files write them, and persons, which exist only because she said so."""
