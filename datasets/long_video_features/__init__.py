"""Features of long videos as published with five programs: spotting without frames."""
