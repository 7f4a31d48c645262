"""Plugins of our lab for mebench. Nothing is imported here, so that `mebench list` stays quick."""
