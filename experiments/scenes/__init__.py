"""The embedded testbed: seeded scenes whose questions need very different amounts of visual detail."""
