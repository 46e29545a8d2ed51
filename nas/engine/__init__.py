"""The engine: runs a search on a pool of workers and records every outcome."""
