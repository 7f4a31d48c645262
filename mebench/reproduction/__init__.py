"""Published values reproduced by runs, and public answers of others scored anew."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
