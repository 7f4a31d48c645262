from . import bundle as bundle
from . import entry as entry
from . import register as register
