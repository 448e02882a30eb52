"""Reader study (paper's expert assessment): a page that asks, a key that knows, and the scores of what was answered."""
