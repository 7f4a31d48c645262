"""The modules that a fork server loads before the first fold. Imported for its effect only."""

import gc
import json
import os
import warnings

from mebench.files import file_hash
from mebench.runner.inputs import code_of
from mebench.sandbox.confinement import hide_memory
from mebench.sandbox.isolation import PRELOAD, load_ahead
from mebench.sandbox.process import prepare_worker
from mebench.system import adopt_orphans

if wanted := os.environ.pop(PRELOAD, ""):
    prepare_worker()
    hide_memory()  # of its copies, too
    adopt_orphans()  # processes that copies leave running
    warnings.filterwarnings("ignore", "forkserver: waitpid returned unexpected pid")  # their numbers
    lightning = "mebench._fast_imports:L"  # before a file imports a part of it by itself
    load_ahead((lightning, *json.loads(wanted), "mebench._fast_imports:remember_callback_packages()"))
    code_of((), file_hash)  # which is remembered
    gc.freeze()  # or the first collection of a copy would copy all memory
