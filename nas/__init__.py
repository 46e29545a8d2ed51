"""Searches over networks and activation functions, and the engine that runs them."""
