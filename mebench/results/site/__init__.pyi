from . import cards as cards
from . import chart as chart
from . import pages as pages
