"""The report of a study: one HTML file that works without a network, the same as markdown, and all numbers as JSON."""
