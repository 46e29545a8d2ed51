"""The Python interface: runs, estimators and the single functions that ``import gondwana`` offers."""
