"""Entries as rows of a file: what is read, what is refused, what goes out and comes back."""

import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from knowledge import resources
from knowledge.models import Category, Entry, Release
from knowledge.resources import (
    EntryResource,
    Outcome,
    join_phrasings,
    neutralise,
    restore,
    split_phrasings,
)
from knowledge.services import entries, imports
from knowledge.services.imports import FileRefusedError
from knowledge.services.releases import active_release
from tenants.files import Csv, Xlsx
from tenants.models import LedgerEntry, Tenant
from tenants.scoping import tenant_scope

HEADER = "category,question,phrasings,answer"


def csv_file(*lines: str, header: str = HEADER, encoding: str = "utf-8") -> bytes:
    return "\n".join([header, *lines]).encode(encoding)


def workbook(rows: Iterable[Iterable[Any]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(list(row))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def run(data: bytes) -> Outcome:
    return resources.run(imports.read_table(data), by=None)


def check(data: bytes) -> Outcome:
    return resources.check(imports.read_table(data))


def counts(outcome: Outcome) -> tuple[int, int, int]:
    return outcome.new, outcome.changed, outcome.unchanged


def phrasings_of(question: str) -> list[str]:
    entry = Entry.objects.get(question=question)
    return [phrasing.text for phrasing in entry.phrasings.all()]


def export() -> Any:
    queryset = Entry.objects.select_related("category").prefetch_related("phrasings")
    return EntryResource().export(queryset)


def make(
    question: str, answer: str, phrasings: Iterable[str] = (), category: str = "其他"
) -> Entry:
    return entries.save_entry(
        Entry(category=entries.category_named(category), question=question, answer=answer),
        by=None,
        phrasings=phrasings,
    )


def test_rows_become_entries_and_the_ledger_knows(in_tenant: Tenant) -> None:
    outcome = run(csv_file("配送,几天到？,多久到|几号到,三天。", "发票,能开发票吗？,,可以。"))

    assert counts(outcome) == (2, 0, 0)
    assert phrasings_of("几天到？") == ["多久到", "几号到"]
    assert Entry.objects.get(question="能开发票吗？").category.name == "发票"
    kinds = list(LedgerEntry.objects.order_by("position").values_list("kind", flat=True))
    assert kinds[-2:] == ["entry.created", "entry.created"]


def test_a_row_is_found_again_by_its_question(in_tenant: Tenant) -> None:
    make("几天到？", "三天。", ["多久到"], "配送")
    make("能退吗？", "能。", ["可退？"], "配送")

    outcome = run(csv_file("配送,几天到？,多久到|几号到,两天。", "配送,能退吗？,可退？,能。"))

    assert counts(outcome) == (0, 1, 1)
    assert Entry.objects.get(question="几天到？").answer == "两天。"
    assert phrasings_of("几天到？") == ["多久到", "几号到"]


def test_checking_writes_nothing(in_tenant: Tenant) -> None:
    before = LedgerEntry.objects.count()

    assert counts(check(csv_file("配送,几天到？,,三天。"))) == (1, 0, 0)
    assert not Entry.objects.exists()
    assert not Category.objects.exists()
    assert LedgerEntry.objects.count() == before


def test_a_missing_column_leaves_what_stands(in_tenant: Tenant) -> None:
    make("几天到？", "三天。", ["多久到"], "配送")

    outcome = run(csv_file("几天到？,两天。", "新问题？,新答案。", header="question,answer"))

    assert counts(outcome) == (1, 1, 0)
    assert phrasings_of("几天到？") == ["多久到"]
    assert Entry.objects.get(question="几天到？").category.name == "配送"
    assert Entry.objects.get(question="新问题？").category.name


def test_the_columns_may_be_titled_in_chinese(in_tenant: Tenant) -> None:
    with translation.override("zh-hans"):
        titles = ",".join(resources._label(name) for name in resources.COLUMNS)
    with translation.override("en"):
        outcome = run(csv_file("配送,几天到？,多久到,三天。", header=titles))

    assert counts(outcome) == (1, 0, 0)
    assert phrasings_of("几天到？") == ["多久到"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings_are_told_apart(in_tenant: Tenant, encoding: str) -> None:
    run(csv_file("配送,龘字几天到？,,三天。", encoding=encoding))

    assert Entry.objects.get().question == "龘字几天到？"


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_of_spreadsheets(in_tenant: Tenant, delimiter: str) -> None:
    line = delimiter.join(["配送", "几天到？", "", "三天。"])

    assert counts(run(csv_file(line, header=HEADER.replace(",", delimiter)))) == (1, 0, 0)


def test_a_workbook_is_read_like_csv(in_tenant: Tenant) -> None:
    data = workbook(
        [
            HEADER.split(","),
            ["配送", "几天到？", "多久到|几号到", "三天。"],
            [],
            [1, 2.0, None, 3.5],
        ]
    )

    assert counts(run(data)) == (2, 0, 0)
    assert phrasings_of("几天到？") == ["多久到", "几号到"]
    assert Entry.objects.get(question="2").answer == "3.5"


def problems(outcome: Outcome) -> dict[int, str]:
    return {problem.row: problem.message for problem in outcome.problems}


def test_every_problem_names_its_row_and_nothing_is_imported(in_tenant: Tenant) -> None:
    outcome = run(
        csv_file(
            "配送,好问题？,,好答案。",
            "",
            "配送,,,没有问题。",
            "配送,没有答案？,,",
            f"配送,{'长' * 201}？,,太长。",
            "配送,好问题？,,又来一次。",
            f"配送,长说法？,{'长' * 201},好。",
            f"{'长' * 61},长分类？,,好。",
            f"配送,长答案？,,{'长' * 4001}",
        )
    )

    found = problems(outcome)
    assert sorted(found) == [4, 5, 6, 7, 8, 9, 10]
    assert "202" in found[6]
    assert "200" in found[6]
    assert "2" in found[7], "the first row with the same question is named"
    assert "4001" in found[10]
    assert "4000" in found[10]
    assert not Entry.objects.exists()
    assert not Category.objects.exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ()),
        (b"\n\n", ()),
        (csv_file("a,b,c", header="question,answer,colour"), ("colour",)),
        (csv_file("a", header="question"), ("answer",)),
        (csv_file("a,b,c", header="question,answer,answer"), ("answer",)),
        (b"\x00\x01\x02\xff\xfe\xfd\xff", ()),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1old excel", (".xlsx",)),
        (b"PK\x03\x04 no zip at all", (".xlsx",)),
        (b'question,answer\n"never closed' + b"x" * 200_000, ("2",)),
    ],
)
def test_what_is_no_table_of_entries_is_refused_in_words(
    in_tenant: Tenant, data: bytes, words: tuple[str, ...]
) -> None:
    with pytest.raises(FileRefusedError) as refused:
        run(data)

    assert all(word in refused.value.detail for word in words)
    assert "%(" not in refused.value.detail


def zipped(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_files_larger_than_the_limit_are_refused() -> None:
    with pytest.raises(FileRefusedError, match="file_refused"):
        imports.read_table(b"a" * (imports.MAX_BYTES + 1))


def test_a_bomb_is_refused_by_what_its_directory_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports.subprocess, "run", _must_not_run)
    bomb = zipped({"xl/workbook.xml": b"", "xl/worksheets/sheet1.xml": b"0" * (101 << 20)})
    assert len(bomb) < imports.MAX_BYTES

    with pytest.raises(FileRefusedError) as refused:
        imports.read_table(bomb)

    assert "100" in refused.value.detail


def test_a_bomb_whose_directory_lies_is_refused_while_inflating(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imports.subprocess, "run", _must_not_run)
    honest = zipped({"xl/workbook.xml": b"", "xl/worksheets/sheet1.xml": b"0" * (101 << 20)})
    size = struct.pack("<L", 101 << 20)
    assert honest.count(size) == 2, "once before the part, once in the directory"
    lying = honest.replace(size, struct.pack("<L", 1000))

    with pytest.raises(FileRefusedError):
        imports.read_table(lying)


def test_a_workbook_of_many_parts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports.subprocess, "run", _must_not_run)
    parts = {f"xl/part{number}.xml": b"" for number in range(imports.MAX_PARTS)}

    with pytest.raises(FileRefusedError) as refused:
        imports.read_table(zipped({"xl/workbook.xml": b"", **parts}))

    assert "200" in refused.value.detail


def _must_not_run(*args: Any, **kwargs: Any) -> None:
    raise AssertionError("the file was given to the reader")


def test_the_reader_dies_alone_of_a_file_that_eats_memory() -> None:
    # One string of 30 MB, shown by 400 cells: small in the archive, twelve gigabytes of text.
    book = io.BytesIO(workbook([["question", "answer"]]))
    with zipfile.ZipFile(book) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    cells = '<row r="{0}"><c r="A{0}" t="s"><v>0</v></c></row>'
    rows = "".join(cells.format(number) for number in range(1, 401))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts["xl/worksheets/sheet1.xml"] = (
        f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'.encode()
    )
    parts["xl/sharedStrings.xml"] = (
        f'<sst xmlns="{main}"><si><t>{"x" * (30 << 20)}</t></si></sst>'.encode()
    )
    parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace(
        b"</Relationships>",
        b'<Relationship Id="rIdS" Target="sharedStrings.xml" Type="http://schemas.openxmlformats.'
        b'org/officeDocument/2006/relationships/sharedStrings"/></Relationships>',
    )
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(
        b"</Types>",
        b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-'
        b'officedocument.spreadsheetml.sharedStrings+xml"/></Types>',
    )

    with pytest.raises(FileRefusedError):
        imports.read_table(zipped(parts))


def test_more_rows_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "MAX_ROWS", 3)

    assert len(imports.read_table(csv_file(*["a,b,c,d"] * 3)).rows) == 3
    with pytest.raises(FileRefusedError):
        imports.read_table(csv_file(*["a,b,c,d"] * 4))
    with pytest.raises(FileRefusedError):
        imports.read_table(workbook([HEADER.split(","), *[["a", "b", "c", "d"]] * 4]))


DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "'=1", "''+1", '=HYPERLINK("http://evil","x")']


@pytest.mark.parametrize("text", [*DANGEROUS, "\t=1", "\r=1"])
def test_no_cell_of_an_export_is_a_formula(text: str) -> None:
    assert neutralise(text) == f"'{text}"
    assert restore(neutralise(text)) == text


@given(st.text(alphabet="'=+-@\t\rab|\\"))
def test_neutralising_can_be_taken_back(text: str) -> None:
    assert restore(neutralise(text)) == text
    assert neutralise(text)[:1] not in ("=", "+", "-", "@", "\t", "\r")


@given(st.lists(st.text(alphabet="ab|\\ '", min_size=1), min_size=1))
def test_phrasings_survive_their_separator(texts: list[str]) -> None:
    assert split_phrasings(join_phrasings(texts)) == texts


@pytest.mark.parametrize("file_format", [Csv, Xlsx])
def test_an_export_imports_as_unchanged(in_tenant: Tenant, file_format: Any) -> None:
    for number, text in enumerate(DANGEROUS):
        make(f"{text}{number}", f"{text}\n第二行，“引号”,逗号", [text, f"{number}a|b\\c"], text)

    exported = file_format().export_data(export())
    data = exported.encode() if isinstance(exported, str) else exported
    outcome = run(data)

    assert counts(outcome) == (0, 0, len(DANGEROUS)), problems(outcome)


def test_exported_cells_are_text(in_tenant: Tenant) -> None:
    for number, text in enumerate(DANGEROUS):
        make(f"{text}{number}", text, [text], text)

    sheet = openpyxl.load_workbook(io.BytesIO(Xlsx().export_data(export()))).active
    assert sheet is not None
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row]
    assert len(cells) == 4 * len(DANGEROUS)
    assert {cell.data_type for cell in cells} == {"s"}
    assert not [cell for cell in cells if str(cell.value).startswith(("=", "+", "-", "@"))]

    text = Csv().export_data(export())
    assert text.startswith("\ufeff")
    assert not [
        cell
        for line in text.splitlines()[1:]
        for cell in line.split(",")
        if cell[:1] in "=+-@" and cell
    ]


def test_import_costs_the_same_for_one_row_and_for_many(
    in_tenant: Tenant, django_assert_num_queries: Any
) -> None:
    make("几天到？", "三天。", category="配送")
    with CaptureQueriesContext(connection) as one:
        run(csv_file("发票,甲0？,乙|丙,丁。"))
    with django_assert_num_queries(len(one)):
        run(csv_file(*(f"退货,甲{number}？,乙|丙,丁。" for number in range(1, 30))))


def faq(tmp_path: Path, *lines: str) -> str:
    path = tmp_path / "faq.csv"
    path.write_bytes(csv_file(*lines))
    return str(path)


def test_the_command_publishes_the_first_release(
    tenant: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("import_faq", faq(tmp_path, "配送,几天到？,,三天。"), tenant=tenant.slug)

    with tenant_scope(tenant):
        release = active_release()
    assert release is not None
    assert release.entry_count == 1
    assert "1 new, 0 changed, 0 unchanged" in capsys.readouterr().out


def test_the_command_leaves_later_releases_to_people(
    tenant: Tenant, publish: Callable[..., Release], tmp_path: Path
) -> None:
    first = publish(tenant)
    file = faq(tmp_path, "配送,几天到？,,三天。")

    call_command("import_faq", file, tenant=tenant.slug)
    with tenant_scope(tenant):
        assert active_release() == first
    call_command("import_faq", file, "--publish", tenant=tenant.slug)
    with tenant_scope(tenant):
        release = active_release()
    assert release is not None
    assert release.number == 2


@pytest.mark.parametrize("option", ["--draft", "--dry-run"])
def test_the_command_can_hold_back(tenant: Tenant, tmp_path: Path, option: str) -> None:
    call_command("import_faq", faq(tmp_path, "配送,几天到？,,三天。"), option, tenant=tenant.slug)

    with tenant_scope(tenant):
        assert active_release() is None
        assert Entry.objects.exists() is (option == "--draft")


def test_the_command_fails_with_every_problem(
    tenant: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = faq(tmp_path, "配送,,,三天。", "配送,好？,,好。")

    with pytest.raises(CommandError):
        call_command("import_faq", file, "--json", tenant=tenant.slug)

    told = json.loads(capsys.readouterr().out)
    assert [error["row"] for error in told["errors"]] == [2]
    with tenant_scope(tenant):
        assert not Entry.objects.exists()


def test_the_command_names_the_tenants_there_are(tenant: Tenant, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=f"Known: {tenant.slug}.*create_tenant acme"):
        call_command("import_faq", faq(tmp_path), tenant="acme")


def test_the_command_stays_in_its_tenant(
    tenant: Tenant, other_tenant: Tenant, tmp_path: Path
) -> None:
    with tenant_scope(other_tenant):
        make("几天到？", "另一家的答案。")

    call_command("import_faq", faq(tmp_path, "配送,几天到？,,三天。"), tenant=tenant.slug)

    with tenant_scope(other_tenant):
        assert Entry.objects.get().answer == "另一家的答案。"
