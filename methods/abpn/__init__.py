"""ABPN: intervals between the likeliest boundaries around likely apexes (MEGC 2022)."""
