"""What a gene can be: numbers, choices, activation functions."""
