"""The Keras front end: walks a model's graph, rebuilds it, folds layers, draws inputs."""
