"""A run of the oracle as a folder in which nothing is lost; see ``runner.sweep_to``."""
