"""What touches a run directory: checkpoints, metrics, pictures, provenance."""
