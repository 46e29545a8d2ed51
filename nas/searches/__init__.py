"""Searches: ask for candidates, tell outcomes. They know no engine, no file and no clock."""
