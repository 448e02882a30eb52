"""Sweeps: cells, the programs that train them, what came of them. Placing programs on machines is a cluster's work."""
