"""Linear probes on frozen encoders of pictures and clips."""
