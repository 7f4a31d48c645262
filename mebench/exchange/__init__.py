"""Files of others: reading intervals and frame scores, checking them line by line, and writing them for others."""
