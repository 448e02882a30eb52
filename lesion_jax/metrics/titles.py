"""Titles of metrics inside of sentences."""


def in_sentence(title: str) -> str:
    """The title with a small first letter; an abbreviation keeps its capitals."""
    return title if title[:2].isupper() else title[0].lower() + title[1:]
