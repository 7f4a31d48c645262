"""One typed configuration from words, values and files; each value knows its origin.

Layers, lowest first: packaged defaults (`params.py`, `config.yaml`, the chosen preset), the method's settings for the
dataset, the user's file, `-c` files in their order, the command line or a program's arguments.
"""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
