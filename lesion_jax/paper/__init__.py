"""The paper's protocol: arms, folds, selection, tables, figures."""
