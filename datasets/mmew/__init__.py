"""MMEW (Ben et al. 2022): micro- and macro-expressions of the same people; mebench reads the micro-expressions."""
