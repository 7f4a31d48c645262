"""EMR: halves of the face from a network trained on faces, with macro-expressions as a second domain."""
