"""What an experiment of a given size can show, and how large one would have to be."""
