"""Pictures, voice and files, as channels name them in the place of words."""

import re
from collections.abc import Sequence

_STAND_INS = re.compile(
    r"[\[【<(（](?:图片|照片|截图|表情|动画表情|语音|视频|小视频|文件|位置|名片|小程序|链接|红包"
    r"|image|photo|picture|screenshot|sticker|emoji|gif|voice(?: message)?|audio|video|file|document|location"
    r")(?:消息|message)?[\]】>)）]",
    re.IGNORECASE,
)
_LINK_TO_FILE = re.compile(
    r"https?://\S+\.(?:jpe?g|png|gif|webp|heic|bmp|mp4|mov|mp3|amr|wav|pdf|docx?|xlsx?)(?:\?\S*)?",
    re.IGNORECASE,
)


def removed(text: str) -> str:
    """Return the words of a message: without what stands for a picture, voice or a file."""
    return _LINK_TO_FILE.sub(" ", _STAND_INS.sub(" ", text)).strip()


def stand_in(mimes: Sequence[str], *, english: bool) -> str:
    """Return what stands for attached files in the place of words: "[图片] [图片] [文件]".

    The assistant reads it as a message of a channel that names pictures so; lists show it.
    """
    names = _ENGLISH if english else _CHINESE
    kinds = [mime.partition("/")[0] for mime in mimes]
    known = [kind if kind in names else "file" for kind in kinds]
    parts = []
    for kind in dict.fromkeys(known):
        parts += [f"[{names[kind]}]"] * known.count(kind)
    return " ".join(parts)


_CHINESE = {"image": "图片", "audio": "语音", "video": "视频", "file": "文件"}
_ENGLISH = {"image": "image", "audio": "audio", "video": "video", "file": "file"}
