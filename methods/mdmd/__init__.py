"""MDMD: stretches of frames that move more than those around them (Wang et al. 2017; He et al. 2020)."""
