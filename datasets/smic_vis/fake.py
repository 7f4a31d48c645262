"""A small drawn SMIC-VIS."""

from functools import partial

from mebench.annotations.drawn import write as write_smic

write = partial(write_smic, recording="VIS")
"""Draw it into a folder that is empty or not there yet."""
