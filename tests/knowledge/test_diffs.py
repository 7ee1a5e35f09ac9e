"""What changed between two texts."""

from hypothesis import given
from hypothesis import strategies as st

from knowledge.diffs import pieces

texts = st.text(alphabet="发货退款 24hab\n。")


@given(texts, texts)
def test_the_pieces_make_up_both_texts(old: str, new: str) -> None:
    found = list(pieces(old, new))

    assert "".join(piece.text for piece in found if piece.kind != "new") == old
    assert "".join(piece.text for piece in found if piece.kind != "gone") == new


def test_numbers_and_words_are_compared_whole() -> None:
    found = [(piece.kind, piece.text) for piece in pieces("24 小时内发货", "48 小时内发货")]

    assert found == [("gone", "24"), ("new", "48"), ("same", " 小时内发货")]
