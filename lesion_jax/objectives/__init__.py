"""Losses: element maths that returns one value per example."""
