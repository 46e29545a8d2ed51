"""Results that travel: networks with their preprocessing, predictions, exports to other formats, model cards."""
