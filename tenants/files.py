"""The file formats people exchange with the product: CSV that Excel reads, and XLSX."""

from typing import Any

from import_export.formats.base_formats import CSV, XLSX

BOM = "\ufeff"


class Csv(CSV):
    """CSV with a byte order mark, without which Excel takes Chinese for gibberish."""

    def export_data(self, dataset: Any, **kwargs: Any) -> str:
        return BOM + super().export_data(dataset, **kwargs)

    def create_dataset(self, in_stream: Any, **kwargs: Any) -> Any:
        if isinstance(in_stream, bytes):
            in_stream = in_stream.decode("utf-8-sig")
        return super().create_dataset(in_stream.removeprefix(BOM), **kwargs)


class Xlsx(XLSX):
    """XLSX as import-export reads and writes it."""
