"""Signals: mean, variance, covariance between positions, and the probability distribution (law) behind them."""
