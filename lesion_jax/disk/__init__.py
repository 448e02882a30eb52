"""Files and directories: whole or absent, and one writer at a time."""
