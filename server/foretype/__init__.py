"""A language server that shows AI completions before the next key is pressed."""

__version__ = "0.1.0"
