"""Going up for real, on shipped models: accuracy against the FLOPs that were spent."""
