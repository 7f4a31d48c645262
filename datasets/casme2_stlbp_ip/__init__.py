"""STLBP-IP features of the clips of CASME II, as published with a public MATLAB program."""
