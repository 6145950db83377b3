"""One module for each thing a person does. Pages and commands call nothing else."""
