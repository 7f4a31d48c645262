"""Features of long videos as published with four programs: spotting without frames."""
