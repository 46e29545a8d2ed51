"""From genomes to a network: its spec, its plan without Keras, the Keras model, its picture."""
