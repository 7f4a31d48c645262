from . import papers as papers
from . import rescore as rescore
