"""Pictures are decoded within bounds and written anew."""

import struct
from io import BytesIO

import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from conversations.uploads import images
from conversations.uploads.errors import BrokenFileError, TooManyPixelsError
from tests.conversations.uploading import huge_png, picture

MIMES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
SECRET = b"GPS 31.2304 N"


@pytest.mark.parametrize("kind", MIMES)
def test_pictures_are_decoded_and_measured(kind: str) -> None:
    content, width, height = images.rewrite(BytesIO(picture(kind)), MIMES[kind])

    assert (width, height) == (60, 40)
    with Image.open(BytesIO(content)) as image:
        assert (image.format, image.size) == (kind, (60, 40))


def exif(orientation: int = 1) -> Image.Exif:
    notes = Image.Exif()
    notes[0x0112] = orientation
    notes[0x010E] = SECRET.decode()
    return notes


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_a_camera_notes_is_not_kept(kind: str) -> None:
    before = picture(kind, exif=exif())
    assert SECRET in before

    content, _width, _height = images.rewrite(BytesIO(before), MIMES[kind])

    assert SECRET not in content
    with Image.open(BytesIO(content)) as image:
        assert not image.getexif()


def test_a_photo_held_sideways_stands_upright() -> None:
    before = picture("JPEG", exif=exif(orientation=6))

    _content, width, height = images.rewrite(BytesIO(before), "image/jpeg")

    assert (width, height) == (40, 60)


def test_comments_and_what_hangs_behind_the_pixels_are_dropped() -> None:
    info = PngInfo()
    info.add_text("Comment", SECRET.decode())
    png = picture("PNG", pnginfo=info) + b"<script>alert(1)</script>"
    jpeg = picture("JPEG", comment=SECRET) + b"PK\x03\x04<script>alert(1)</script>"

    for before, mime in ((png, "image/png"), (jpeg, "image/jpeg")):
        content, _width, _height = images.rewrite(BytesIO(before), mime)
        assert SECRET not in content
        assert b"<script>" not in content


def test_colours_of_another_space_are_turned_into_ordinary_ones() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    content, _width, _height = images.rewrite(
        BytesIO(picture("JPEG", icc_profile=profile)), "image/jpeg"
    )

    with Image.open(BytesIO(content)) as image:
        assert "icc_profile" not in image.info


@pytest.mark.parametrize("mode", ["CMYK", "L", "RGB"])
def test_jpeg_of_any_colours_can_be_shown(mode: str) -> None:
    out = BytesIO()
    Image.new(mode, (8, 8)).save(out, "JPEG")

    content, _width, _height = images.rewrite(out, "image/jpeg")

    with Image.open(BytesIO(content)) as image:
        assert image.mode in ("RGB", "L")


def test_transparency_of_a_png_with_a_palette_stays() -> None:
    out = BytesIO()
    image = Image.new("P", (8, 8))
    image.save(out, "PNG", transparency=0)

    content, _width, _height = images.rewrite(out, "image/png")

    with Image.open(BytesIO(content)) as kept:
        assert kept.convert("RGBA").getpixel((0, 0))[3] == 0


def test_a_moving_gif_keeps_moving() -> None:
    out = BytesIO()
    frames = [Image.new("RGB", (8, 8), (80 * number, 0, 0)) for number in range(3)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])

    content, _width, _height = images.rewrite(out, "image/gif")

    with Image.open(BytesIO(content)) as image:
        assert image.n_frames == 3


@pytest.mark.parametrize(("width", "height"), [(10_000, 10_000), (40_001, 1000), (60_000, 60_000)])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_unpacked(
    width: int, height: int
) -> None:
    with pytest.raises(TooManyPixelsError):
        images.rewrite(BytesIO(huge_png(width, height)), "image/png")


def test_a_webp_that_promises_too_many_pixels_is_refused_before_it_is_opened() -> None:
    canvas = (16_000).to_bytes(3, "little") * 2
    content = b"VP8X" + struct.pack("<I", 10) + bytes(4) + canvas
    content = b"RIFF" + struct.pack("<I", len(content) + 4) + b"WEBP" + content

    with pytest.raises(TooManyPixelsError):
        images.rewrite(BytesIO(content), "image/webp")


@pytest.mark.parametrize("kind", MIMES)
def test_half_a_picture_is_refused(kind: str) -> None:
    whole = picture(kind, size=(400, 300))

    with pytest.raises(BrokenFileError):
        images.rewrite(BytesIO(whole[: len(whole) // 2]), MIMES[kind])


def test_a_head_without_a_picture_is_refused() -> None:
    with pytest.raises(BrokenFileError):
        images.rewrite(BytesIO(b"GIF89a/*" + b"=1;alert(1)//" * 20), "image/gif")
