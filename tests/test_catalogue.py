"""The Chinese catalogue: complete, well formed, fresh, and true to the glossary."""

import ast
import gettext
import io
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import django
import polib
import pytest
from django.apps import apps
from django.conf import settings
from django.utils import translation
from django.utils.translation.template import templatize

from config import third_party_strings

ROOT = Path(settings.BASE_DIR)
PO = ROOT / "locale/zh_Hans/LC_MESSAGES/django.po"
NOT_OURS = {".venv", ".ci", ".git", "var", "tests", "locale", "requirements.txt"}
# Context, singular, plural; empty where there is none.
Text = tuple[str, str, str]

CALLS = {
    "_": "s",
    "gettext": "s",
    "gettext_lazy": "s",
    "gettext_noop": "s",
    "ngettext": "sp",
    "ngettext_lazy": "sp",
    "pgettext": "cs",
    "pgettext_lazy": "cs",
    "npgettext": "csp",
    "npgettext_lazy": "csp",
}
LITERAL = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
TEMPLATE_CALL = re.compile(rf"\b(n?p?gettext|_)\(((?:\s*{LITERAL}\s*,?)+)", re.DOTALL)
PLACEHOLDER = re.compile(r"%\((\w+)\)([a-z])|%%|%([sdrf])|\{(\w*)\}")

CJK = "\u3400-\u9fff"
FULL_WIDTH = "，。；：？！（）“”、…"
ODD_PUNCTUATION = re.compile(
    rf"[{CJK}][,;:?!()\"']|[,;?!()\"'][{CJK}]|[{CJK}]\.(?!\w)|\s[{FULL_WIDTH}]|[{FULL_WIDTH}]\s"
)
GLUED = re.compile(rf"[{CJK}][A-Za-z0-9]|[A-Za-z0-9][{CJK}]")

# What means the same in Chinese, and what is no word.
SAME_IN_CHINESE = {
    "%(class_name)s %(instance)s",
    "%(truncated_text)s…",
    "Chatwoot",
    "HTTP %(status)s",
    "IPv4",
    "IPv6",
    "PDF",
    "SHA-256",
    "URL",
    "Webhook (Standard Webhooks)",
    "Webhooks",
    "XLSX",
    "Zendesk",
    "webhook",
    "webhooks",
    "…",
}
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


def texts_of_python(source: str) -> Iterator[Text]:
    """Yield the texts that a module marks for translation."""
    if "gettext" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        literals = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
        yield from _text(name, literals)


def texts_of_template(source: str) -> Iterator[Text]:
    """Yield the texts that a template marks for translation."""
    if "trans" not in source and "_(" not in source:
        return
    for name, arguments in TEMPLATE_CALL.findall(templatize(source)):
        literals = [ast.literal_eval(each) for each in re.findall(LITERAL, arguments, re.DOTALL)]
        yield from _text(name, literals)


def _text(name: str, literals: list[object]) -> Iterator[Text]:
    places = CALLS.get(name, "")
    strings = [each for each in literals[: len(places)] if isinstance(each, str)]
    if places and len(strings) == len(places):
        given = dict(zip(places, strings, strict=True))
        if given["s"]:
            yield given.get("c", ""), given["s"], given.get("p", "")


def files_below(folder: Path, *, ignore: set[str]) -> Iterator[Path]:
    """Yield the modules and templates below a folder, leaving out files and folders so named."""
    for place, folders, names in os.walk(folder):
        folders[:] = set(folders) - ignore
        for name in set(names) - ignore:
            if name.endswith((".py", ".html", ".txt")):
                yield Path(place, name)


def texts_below(folder: Path, *, ignore: set[str]) -> set[Text]:
    """Return the texts of all modules and templates below a folder."""
    found: set[Text] = set()
    for path in files_below(folder, ignore=ignore):
        texts_of = texts_of_python if path.suffix == ".py" else texts_of_template
        found |= set(texts_of(path.read_text()))
    return found


def package_folders() -> list[Path]:
    """Return the folders of Django and of the installed apps that are not ours."""
    folders = [Path(app.path) for app in apps.get_app_configs()]
    return [Path(django.__file__).parent, *(each for each in folders if each.parent != ROOT)]


@cache
def texts_of_packages() -> set[Text]:
    """Return the texts that people may see of packages; apps inside apps count if installed."""
    aside = {"contrib", "locale", "management", "migrations", "template", "test", "tests"}
    return set().union(*(texts_below(folder, ignore=aside) for folder in package_folders()))


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(PO), check_for_duplicates=True)


def test_every_entry_is_translated(catalogue: polib.POFile) -> None:
    untranslated = [entry.msgid for entry in catalogue.untranslated_entries()]
    fuzzy = [entry.msgid for entry in catalogue.fuzzy_entries()]
    obsolete = [entry.msgid for entry in catalogue.obsolete_entries()]

    assert (untranslated, fuzzy, obsolete) == ([], [], [])
    assert len(catalogue) > 300


def test_the_catalogue_holds_exactly_the_texts_of_the_source(catalogue: polib.POFile) -> None:
    held = {(entry.msgctxt or "", entry.msgid): entry.msgid_plural for entry in catalogue}
    used: dict[tuple[str, str], str] = {}
    for context, text, plural in texts_below(ROOT, ignore=NOT_OURS):
        used[context, text] = plural or used.get((context, text), "")

    assert used.keys() - held.keys() == set(), "not in the catalogue: make messages"
    assert held.keys() - used.keys() == set(), "no longer in the source: make messages"
    assert held == used


def test_makemessages_knows_every_name_of_gettext() -> None:
    unknown = {
        f"{path.relative_to(ROOT)}: {alias.asname}"
        for path in files_below(ROOT, ignore=NOT_OURS)
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if "gettext" in alias.name and (alias.asname or alias.name) not in CALLS
    }

    assert unknown == set()


def test_the_compiled_catalogue_is_the_one_that_can_be_read(catalogue: polib.POFile) -> None:
    compiled = polib.mofile(str(PO.with_suffix(".mo")))

    def rows(file: polib.POFile | polib.MOFile) -> set[tuple[object, ...]]:
        return {(entry.msgctxt, entry.msgid, entry.msgid_plural, _chinese(entry)) for entry in file}

    assert rows(compiled) == rows(catalogue)
    assert compiled.metadata["Plural-Forms"] == "nplurals=1; plural=0;"


def _chinese(entry: polib.POEntry) -> str:
    return entry.msgstr_plural[0] if entry.msgid_plural else entry.msgstr


def test_placeholders_survive_translation(catalogue: polib.POFile) -> None:
    changed = {
        entry.msgid: (placeholders(entry.msgid_plural or entry.msgid), placeholders(chinese))
        for entry in catalogue
        if placeholders(entry.msgid_plural or entry.msgid)
        != placeholders(chinese := _chinese(entry))
    }

    assert changed == {}


def placeholders(text: str) -> set[str]:
    """Return what a text leaves to be filled in."""
    return {match.group() for match in PLACEHOLDER.finditer(text) if match.group() != "%%"}


def test_edges_survive_translation(catalogue: polib.POFile) -> None:
    moved = [
        entry.msgid
        for entry in catalogue
        if entry.msgid.startswith("\n") != _chinese(entry).startswith("\n")
        or entry.msgid.endswith("\n") != _chinese(entry).endswith("\n")
    ]

    assert moved == []


def test_chinese_has_chinese_punctuation(catalogue: polib.POFile) -> None:
    odd = {
        entry.msgid: _chinese(entry)
        for entry in catalogue
        if ODD_PUNCTUATION.search(re.sub(r"\s*\n\s*", "", _chinese(entry)))
    }

    assert odd == {}


def test_a_space_parts_chinese_from_latin_letters_and_figures(catalogue: polib.POFile) -> None:
    glued = {
        entry.msgid: _chinese(entry)
        for entry in catalogue
        if GLUED.search(re.sub(r"%\(\w+\)\w|%\w|<[^>]*>", "", _chinese(entry)))
    }

    assert glued == {}


def test_every_translation_is_chinese(catalogue: polib.POFile) -> None:
    foreign = {
        entry.msgid
        for entry in catalogue
        if re.search(r"[A-Za-z]", _PLACEHOLDER.sub("", entry.msgid))
        and not re.search(f"[{CJK}]", _chinese(entry))
    }

    assert foreign - SAME_IN_CHINESE == set()


def test_what_the_packages_leave_in_english_is_translated_here() -> None:
    with translation.override("zh-hans"):
        english = {
            text
            for context, text, plural in texts_of_packages()
            if _translated(context, text, plural) in (text, plural)
        }

    assert english - SAME_IN_CHINESE == set(), "belongs in config/third_party_strings.py"


def _translated(context: str, text: str, plural: str) -> str:
    if plural:
        return (
            translation.npgettext(context, text, plural, 2)
            if context
            else translation.ngettext(text, plural, 2)
        )
    return translation.pgettext(context, text) if context else translation.gettext(text)


def test_what_is_listed_for_packages_is_what_they_need() -> None:
    listed = {
        statement.targets[0].id: set(texts_of_python(ast.unparse(statement)))
        for statement in ast.parse(Path(third_party_strings.__file__).read_text()).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }
    untranslated, reworded = listed["UNTRANSLATED"], listed["REWORDED"]

    assert untranslated | reworded <= texts_of_packages()
    assert {text for text in untranslated if _comes_in_chinese(*text)} == set()
    assert {text for text in reworded if not _comes_in_chinese(*text)} == set()


def _comes_in_chinese(context: str, text: str, plural: str) -> bool:
    """Return whether a package, or Django, brings this text in Chinese by itself."""
    for brought in _brought_catalogues():
        if plural:
            chinese = brought.ngettext(text, plural, 2)
        else:
            chinese = brought.pgettext(context, text) if context else brought.gettext(text)
        if chinese not in (text, plural):
            return True
    return False


@cache
def _brought_catalogues() -> list[gettext.GNUTranslations]:
    folders = [*package_folders(), Path(django.__file__).parent / "conf"]
    paths = [folder / "locale/zh_Hans/LC_MESSAGES/django.mo" for folder in folders]
    return [
        gettext.GNUTranslations(io.BytesIO(path.read_bytes())) for path in paths if path.exists()
    ]


def glossary() -> list[tuple[str, str, str]]:
    """Return the glossary's rows: English, Chinese, name in code."""
    lines = (ROOT / "docs/glossary.md").read_text().splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"
    ]
    return [
        (row[0], row[1], row[2].strip("`"))
        for row in rows
        if len(row) == 4 and row[0] != "English" and not row[0].startswith("-")
    ]


def test_models_are_called_what_the_glossary_calls_them() -> None:
    chinese = {name: word for _, word, name in glossary() if name}
    with translation.override("zh-hans"):
        labels = {
            model.__name__: str(model._meta.verbose_name)
            for app in apps.get_app_configs()
            if Path(app.path).parent == ROOT
            for model in app.get_models()
        }

    assert labels
    assert {name: chinese.get(name) for name in labels} == labels
