"""The admin pages of the knowledge base."""

from knowledge.admin import categories, entries, golden, matching, proposals, releases, versions

__all__ = ["categories", "entries", "golden", "matching", "proposals", "releases", "versions"]
