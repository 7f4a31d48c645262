"""A small drawn SMIC-NIR."""

from functools import partial

from mebench.annotations.drawn import write as write_smic

write = partial(write_smic, recording="NIR")
"""Draw it into a folder that is empty or not there yet."""
