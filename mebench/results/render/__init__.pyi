from . import data as data
from . import markdown as markdown
from . import pages as pages
from . import plots as plots
from . import scores as scores
from . import summary as summary
from . import sweep as sweep
from . import timeline as timeline
