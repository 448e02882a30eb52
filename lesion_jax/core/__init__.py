"""Types and pure functions that every layer above shares."""
