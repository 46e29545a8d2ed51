"""What came of a run: statistics, figures and the report."""
