"""How gradients come back: backward signals, slopes, Jacobians."""
