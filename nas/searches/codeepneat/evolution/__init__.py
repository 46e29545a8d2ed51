"""From one population to the next: fitness, species, selection, crossover, mutation."""
