"""What can be said about a function: moments, breakpoints, formulas, derivatives, pictures."""
