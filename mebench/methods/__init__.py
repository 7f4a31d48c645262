"""Method plugins: `mebench.methods.<id>`. In a checkout they live in the top-level folder `methods/`."""

from mebench._checkout import beside_checkout

__path__ = [*__path__, *beside_checkout("methods")]
