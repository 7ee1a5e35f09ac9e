import json

from knowledge.training import encoder
from knowledge.training.paraphrases import read_intents, rows


def test_a_tenth_of_the_public_sets_is_kept_for_judging(tmp_path) -> None:
    for name in encoder.PUBLIC:
        folder = tmp_path / "public" / name
        folder.mkdir(parents=True)
        lines = [json.dumps({"text": f"text {i}", "label": "a"}) for i in range(2000)]
        (folder / "train.jsonl").write_text("\n".join(lines))

    shares = {name: len(list(encoder.seen(tmp_path, name))) / 2000 for name in encoder.PUBLIC}

    assert shares["clinc150"] == 1
    assert 0.87 < shares["banking77"] == shares["hwu64"] < 0.93


def test_our_paraphrases_are_whole() -> None:
    intents = read_intents()

    assert len(intents) > 350
    for intent in intents:
        assert 7 <= len(intent.texts) == len(intent.styles) <= 9
        assert intent.answer
        assert intent.category


def test_folders_come_before_our_own(tmp_path) -> None:
    line = {"lang": "en", "trade": "zoo", "intent": "feed", "style": "short", "text": "feeding"}
    (tmp_path / "a.jsonl").write_text(json.dumps(line) + "\n")

    assert next(rows(tmp_path)) == line
    assert read_intents(tmp_path)[0].texts == ("feeding",)
