"""AutoInit for PyTorch modules."""
