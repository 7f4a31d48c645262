"""CapsuleNet: capsules that agree on a class."""
