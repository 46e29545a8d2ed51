"""CoDeepNEAT: coevolution of blueprints and modules into networks."""
