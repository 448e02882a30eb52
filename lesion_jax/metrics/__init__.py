"""Scores of predictions and of synthetic images, with intervals."""
