"""What the fork server imports before the first fold: a module that is imported for its effect, and by nobody else."""

import gc
import importlib
import json
import os
from contextlib import suppress

from mebench.config import registry
from mebench.files import file_hash
from mebench.runner import isolation
from mebench.runner.inputs import code_of
from mebench.runner.process import prepare_worker

if wanted := os.environ.pop(isolation.PRELOAD, ""):
    prepare_worker()
    plugins, modules = json.loads(wanted)
    for name in modules:
        with suppress(Exception, SystemExit):  # the fold that needs it will say it
            registry.add_paths(plugins)
            module, _, function = name.partition(":")
            found = importlib.import_module(module)
            if function:
                getattr(found, function)()
    code_of((), file_hash)  # which is remembered
    gc.freeze()  # or the first collection of a copy would copy all memory
