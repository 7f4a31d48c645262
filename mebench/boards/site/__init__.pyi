from . import cards as cards
from . import chart as chart
from . import page_tables as page_tables
from . import site_pages as site_pages
