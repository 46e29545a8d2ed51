"""Signals: mean, variance, covariance between positions, and what is remembered of their law."""
