"""Parameters of `ourlab_faces`: where it lies (`dataset.root`) and, where they lie elsewhere, its annotations."""

from mebench.annotations import SheetParams as Params

__all__ = ["Params"]
