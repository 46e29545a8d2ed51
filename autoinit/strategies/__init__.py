"""Initialization strategies by name, LSUV and AutoInit++ among them."""
