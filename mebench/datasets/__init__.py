"""Dataset plugins: `mebench.datasets.<id>`. In a checkout they live in the top-level folder `datasets/`."""

from mebench._checkout import beside_checkout

__path__ = [*__path__, *beside_checkout("datasets")]
