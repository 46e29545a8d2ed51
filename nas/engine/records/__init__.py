"""What a run leaves on disk: the store, the run folder, exports, summaries."""
