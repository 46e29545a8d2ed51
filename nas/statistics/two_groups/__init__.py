"""Two groups of numbers: single tests, and estimates with their intervals."""
