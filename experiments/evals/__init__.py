"""Models of this package for lmms-eval and lm-evaluation-harness; see ``docs/evals.md``."""
