"""The leaderboard as a static site: one folder, no server, no network."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
