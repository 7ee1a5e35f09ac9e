"""Pictures: decoded within bounds, and written anew without what cameras note beside the pixels."""

import threading
from io import BytesIO
from typing import Any, BinaryIO

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from conversations.uploads.errors import BrokenFileError, TooManyPixelsError

FORMATS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
}
# T43: more is refused before a single pixel is unpacked.
MEGAPIXELS = 40
# Of a GIF, all frames together: what a browser has to unpack to play it once.
_ANIMATED_MEGAPIXELS = 400
_FRAMES = 500
_QUALITY = 88
# A picture of 40 megapixels takes 160 MB while it is open.
_decoding = threading.BoundedSemaphore(2)


def rewrite(file: BinaryIO, mime: str) -> tuple[bytes, int, int]:
    """Decode the picture and return (bytes, width, height) of it as it is to be kept.

    JPEG, PNG and WebP are encoded anew: upright, in sRGB, the first frame, and without EXIF,
    comments or anything behind the picture. A GIF keeps its bytes, because its movement is the
    point; every frame of it was decoded. Raises BrokenFileError, TooManyPixelsError.
    """
    name = mime.removeprefix("image/").upper()
    with _decoding:
        try:
            if name == "WEBP":
                _check_webp(file)
            with Image.open(file, formats=(name,)) as image:
                _check_size(image.width * image.height, MEGAPIXELS)
                return _kept(image, file, name)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise TooManyPixelsError(limit=MEGAPIXELS) from None
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, IndexError):
            raise BrokenFileError from None


def _kept(image: Image.Image, file: BinaryIO, name: str) -> tuple[bytes, int, int]:
    if name == "GIF":
        _play(image)
        file.seek(0)
        return file.read(), image.width, image.height
    image.load()
    upright = _in_srgb(ImageOps.exif_transpose(image))
    options: dict[str, Any] = {}
    if name == "JPEG":
        upright = upright if upright.mode in ("L", "RGB") else upright.convert("RGB")
        options = {"quality": _QUALITY, "optimize": False, "progressive": True}
    elif name == "WEBP":
        upright = upright if upright.mode in ("RGB", "RGBA") else upright.convert("RGBA")
        options = {"quality": _QUALITY, "method": 2}
    # What is written beside the pixels is taken from here, and there is nothing here.
    upright.info = {key: upright.info[key] for key in ("transparency",) if key in upright.info}
    out = BytesIO()
    upright.save(out, name, **options)
    return out.getvalue(), upright.width, upright.height


def _play(image: Image.Image) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > _FRAMES:
        raise TooManyPixelsError(limit=_ANIMATED_MEGAPIXELS)
    _check_size(image.width * image.height * frames, _ANIMATED_MEGAPIXELS)
    for number in range(frames):
        image.seek(number)
        image.load()


def _check_size(pixels: int, megapixels: int) -> None:
    if pixels > megapixels * 1_000_000:
        raise TooManyPixelsError(limit=megapixels)


def _check_webp(file: BinaryIO) -> None:
    # Its decoder makes room for the whole canvas on opening, before Pillow tells the size.
    head = file.read(30)
    file.seek(0)
    chunk = head[12:16]
    if chunk == b"VP8X":
        width = int.from_bytes(head[24:27], "little") + 1
        height = int.from_bytes(head[27:30], "little") + 1
    elif chunk == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width = int.from_bytes(head[26:28], "little") & 0x3FFF
        height = int.from_bytes(head[28:30], "little") & 0x3FFF
    _check_size(width * height, MEGAPIXELS)


def _in_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode=image.mode
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return converted if converted is not None else image
