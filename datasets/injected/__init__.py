"""Films of faces into which micro-expressions of known place and strength are put."""
