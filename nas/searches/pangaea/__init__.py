"""PANGAEA: evolution of activation functions."""
