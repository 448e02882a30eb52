"""Scores, statistics and pictures; restoring a run to use it."""
