from . import integrity as integrity
from . import matching_published as matching_published
from . import published as published
from . import record as record
