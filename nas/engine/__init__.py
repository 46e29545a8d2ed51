"""The engine: leads a search through workers, and loses nothing."""
