"""A network that takes rows as people have them: its preprocessing as ordinary Keras layers, in one ``.keras`` file."""
