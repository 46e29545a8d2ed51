"""Activation functions as computation graphs: nodes, text, programs, parameters."""
