"""The words of mebench and the two plugin contracts. `Method` brings torch along; each comes when it is used."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
