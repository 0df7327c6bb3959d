"""Reports for analysts: how much visual detail a dataset needs."""
