"""Predicted beside measured: signals, the Jacobian's spectrum, the figure."""
