from . import cards as cards
from . import chart as chart
from . import site_pages as site_pages
from .site_pages import Site as Site
