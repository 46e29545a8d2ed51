"""YAML in, validated settings out; errors that say what, where, the value received and the remedy."""
