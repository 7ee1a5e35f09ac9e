"""Static files in production: hashed names, also inside the JavaScript modules that import them."""

from whitenoise.storage import (  # type: ignore[import-untyped]
    CompressedManifestStaticFilesStorage,
)


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Whitenoise's storage, with module imports rewritten to the hashed names.

    Otherwise a page would preload the hashed copy of a module and import the unhashed one.
    """

    support_js_module_import_aggregation = True
