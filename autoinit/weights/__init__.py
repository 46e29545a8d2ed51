"""From a plan to weights: initializers, constraints, application with a seed."""
