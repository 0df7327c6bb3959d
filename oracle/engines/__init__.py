"""Engines that measure the samples of a run elsewhere than in the process that began it."""
