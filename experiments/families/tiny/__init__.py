"""Tiny random models of every family, with processors that work as those of real ones do."""
