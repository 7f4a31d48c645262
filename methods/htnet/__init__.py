"""HTNet: a hierarchical transformer on four blocks of the face."""
