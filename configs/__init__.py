"""Presets: the configs that ship with the package, by name in ``gondwana evolve NAME``."""
