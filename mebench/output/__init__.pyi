from . import json_output as json_output
from . import number_format as number_format
from . import progress as progress
from . import table as table
from . import terminal as terminal
