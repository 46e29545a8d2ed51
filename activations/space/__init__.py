"""The space of functions: drawing, mutation, validity, duplicates, the catalogue."""
