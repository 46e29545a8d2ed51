"""Rules: aten operations and classes of modules in the terms of the calculus."""
