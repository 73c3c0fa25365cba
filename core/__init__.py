"""Placeholder; the map of the package is written here."""
