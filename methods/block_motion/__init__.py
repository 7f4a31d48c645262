"""A network over time on how blocks of the face move against their median."""
