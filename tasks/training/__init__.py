"""The training recipe and the loop that carries it out, on any backend."""
