"""CausalNet: transformers on the motion of both phases and its direction."""
