"""How signals go through operations: the paper's formulas, and exact ones."""
