"""A model of fitness, learned from all outcomes of a run, that says which of several bred candidates to evaluate."""
