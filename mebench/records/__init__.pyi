from . import matching_published as matching_published
from . import published as published
from . import record as record
