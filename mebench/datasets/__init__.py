"""Dataset plugins: `mebench.datasets.<id>`. In a checkout they live in the top-level folder `datasets/`. Called, it lists them."""

import sys

from mebench._checkout import Listed, checkout_folder

__path__ = [*__path__, *checkout_folder("datasets")]
sys.modules[__name__].__class__ = Listed
