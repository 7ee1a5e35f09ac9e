"""Numbers of companies and people: the right one passes, every slip of one sign does not (R14)."""

import pytest

from tenants.identifiers import is_credit_code, is_identity_number, masked_identity

CODE, IDENTITY = "91350100M000100Y43", "11010519491231002X"
CODE_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def one_changed(text: str, signs: str) -> list[str]:
    return [
        text[:place] + sign + text[place + 1 :]
        for place in range(len(text))
        for sign in signs
        if sign != text[place]
    ]


def test_credit_code_passes_and_any_one_change_does_not() -> None:
    assert is_credit_code(CODE)
    assert [code for code in one_changed(CODE, CODE_SIGNS + "IOSVZ") if is_credit_code(code)] == []


def test_identity_number_passes_and_any_one_change_does_not() -> None:
    assert is_identity_number(IDENTITY)
    assert [x for x in one_changed(IDENTITY, "0123456789X") if is_identity_number(x)] == []


@pytest.mark.parametrize(
    "text", ["", CODE.lower(), CODE[:-1], f"{CODE}3", "１" * 18, f" {CODE[1:]}"]
)
def test_what_is_no_code_is_refused(text: str) -> None:
    assert not is_credit_code(text)


@pytest.mark.parametrize("text", ["", IDENTITY.lower(), IDENTITY[:-1], "110105194902300023"])
def test_what_is_no_identity_number_is_refused(text: str) -> None:
    assert not is_identity_number(text)


def test_identity_number_is_shown_without_its_birthday() -> None:
    assert masked_identity(IDENTITY) == "110105********002X"
    assert masked_identity("") == ""
