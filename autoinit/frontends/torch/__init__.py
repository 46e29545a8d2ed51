"""The PyTorch front end: reads a module as a graph of aten operations, and runs parts of it without touching it."""
