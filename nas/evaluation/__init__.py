"""One candidate to one outcome: build, initialize, train, score."""
