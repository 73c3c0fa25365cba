"""Measures of a VAE and its prior: pure functions that return frozen records with units and standard errors."""
