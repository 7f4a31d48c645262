"""Features of long videos as published with six programs: spotting without frames."""
