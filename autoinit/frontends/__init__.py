"""Front ends: each turns the models of one framework into calls and signals."""
