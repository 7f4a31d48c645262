from . import papers as papers
from . import rescore as rescore
from . import scheme_remark as scheme_remark
