"""Parameters of `blind`."""

from dataclasses import dataclass

from mebench.datasets.synthetic.params import Params as Drawn


@dataclass(frozen=True)
class Params(Drawn):
    """Those of `synthetic`, and who shows no face.

    Attributes:
        blind: subject without a face; `all` for everybody.
    """

    blind: str = "s002"
