"""The embedded testbed: scenes whose questions need very different amounts of detail."""
