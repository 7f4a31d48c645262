"""4DME (Li et al. 2023): micro-expressions filmed by four kinds of camera; mebench reads the gray videos."""
