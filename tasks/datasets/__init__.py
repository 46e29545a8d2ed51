"""Datasets, one file each. Importing this package imports each of them, and so registers every task."""

from importlib import import_module
from pkgutil import iter_modules

for _found in iter_modules(__path__):
    import_module(f"{__name__}.{_found.name}")
