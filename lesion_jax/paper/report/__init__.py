"""The report: results.json, tables, figures."""
