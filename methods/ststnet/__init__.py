"""STSTNet: Shallow Triple Stream Three-dimensional CNN for micro-expression recognition."""
