from . import answers as answers
from . import eaf as eaf
from . import frame_scores as frame_scores
from . import intervals as intervals
from . import join as join
from . import text_table as text_table
from . import write as write
