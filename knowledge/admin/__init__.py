"""The admin pages of the knowledge base."""

from knowledge.admin import categories, entries, releases, versions

__all__ = ["categories", "entries", "releases", "versions"]
