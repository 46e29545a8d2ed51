"""Operators: one record each with its NumPy, Keras and SymPy forms, and their registry."""
