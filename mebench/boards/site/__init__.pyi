from . import chart as chart
from . import site_pages as site_pages
