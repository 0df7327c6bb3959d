"""The lab: the embedded testbed, training recipes, the demo, tracking and the command line."""
