"""A recognizer that is planned and never trained; its copies say in `config.yaml` which head they read."""

from mebench.core import Method

from .params import Params as _Params


class Headed(Method):
    """Only its name, its task and what it reads matter."""

    Params = _Params
    tasks = frozenset({"recognize"})


Plugin = Headed
