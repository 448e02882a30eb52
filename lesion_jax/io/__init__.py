"""Contents of a run directory: checkpoints, metrics, pictures, provenance."""
