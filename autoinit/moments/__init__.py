"""Expectations under a Gaussian, by quadrature."""
