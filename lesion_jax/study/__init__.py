"""A study: arms compared over scenarios, cohorts, partitions and seeds, and a verdict by a rule fixed beforehand."""
