"""CoDeepNEAT: coevolution of blueprints and modules."""
