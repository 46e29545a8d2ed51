"""One file per family of layers. Importing this package imports each of them, and so registers every rule."""

from importlib import import_module
from pkgutil import iter_modules

for _found in iter_modules(__path__):
    import_module(f"{__name__}.{_found.name}")
