"""One folder for each kind of export, all of the same shape: reader, README, samples, tests."""
