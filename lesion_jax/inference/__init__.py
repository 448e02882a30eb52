"""From a run directory: restored networks, predictions, synthetic banks, exports."""
