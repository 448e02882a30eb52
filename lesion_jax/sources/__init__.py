"""From files to lesions. `table.SOURCES` holds what can be read; `cohort.read_lesions` reads it.

A source is one row there and one file that says which columns its csv has and yields its lesions, see `base.Source`.
"""
