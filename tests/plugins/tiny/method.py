"""A method whose settings have presets and values for a dataset."""

from mebench.core import Method

from .params import Params as _Params


class Tiny(Method):
    """It has settings alone."""

    Params = _Params
    params: _Params
    tasks = frozenset({"spot"})


Plugin = Tiny
