"""Training steps of JAX and of torch: the files here import them, and only where they are the active backend."""
