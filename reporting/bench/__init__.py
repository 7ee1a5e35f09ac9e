"""Rehearsals that prove the figures."""
