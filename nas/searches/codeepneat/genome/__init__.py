"""Genomes of blueprints and modules, their historical markings, and the space they are drawn from."""
