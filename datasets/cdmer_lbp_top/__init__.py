"""LBP-TOP features of SMIC VIS and NIR, as published with the program of TSRG."""
