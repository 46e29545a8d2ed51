"""Readers of the datasets' own file formats."""
