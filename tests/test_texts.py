"""What the scripts of the console and the chat say: every text exists in both languages."""

import re

import pytest
from django.conf import settings

SCRIPTS = settings.BASE_DIR / "static"
LANGUAGES = ("zh-hans", "en")
ASKED = re.compile(r'\bt\(\s*"([\w.]+)"')
ASKED_EITHER = re.compile(r'\bt\([^()"]*\?\s*"([\w.]+)"\s*:\s*"([\w.]+)"')


def texts(language: str) -> set[str]:
    words = (SCRIPTS / "console" / "lang" / f"{language}.js").read_text(encoding="utf-8")
    return set(re.findall(r'^\s*"([\w.]+)":', words, re.MULTILINE))


def asked(room: str) -> set[str]:
    keys: set[str] = set()
    for path in (SCRIPTS / room).glob("*.js"):
        source = path.read_text(encoding="utf-8")
        keys.update(ASKED.findall(source))
        keys.update(key for pair in ASKED_EITHER.findall(source) for key in pair)
    return keys


def test_the_languages_of_the_console_have_the_same_texts() -> None:
    chinese, english = map(texts, LANGUAGES)
    assert chinese
    assert chinese == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_console_knows_what_it_says(language: str) -> None:
    wanted = asked("console")
    assert len(wanted) > 100
    assert wanted - texts(language) == set()


def test_the_chat_knows_what_it_says() -> None:
    source = (SCRIPTS / "widget" / "i18n.js").read_text(encoding="utf-8")
    known = re.findall(r"^\s+(\w+):", source, re.MULTILINE)
    wanted = asked("widget")
    assert len(wanted) > 50
    assert {key for key in wanted if known.count(key) < len(LANGUAGES)} == set()
