"""Layer types that a genome can hold: the registry and the built-in ones."""
