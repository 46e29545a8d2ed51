"""A user's own data: a table, or a folder of images."""
