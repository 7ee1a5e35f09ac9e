"""Why an upload is refused, each with a sentence that says what to do."""

from django.utils.translation import gettext_lazy as _

from tenants.errors import DomainError


class FileTooLargeError(DomainError):
    """The file is larger than a file may be."""

    code = "too_large"
    status = 413
    message = _("The file is larger than %(limit)s MB. Please send a smaller one.")


class EmptyFileError(DomainError):
    """There is nothing in the file, or no file in the request."""

    code = "file_empty"
    status = 422
    message = _("The file is empty. Please choose another one.")


class KindRefusedError(DomainError):
    """A file of this kind is not accepted, whatever its name says."""

    code = "file_kind_refused"
    status = 422
    message = _(
        "Files of this kind cannot be sent. You can send pictures (JPEG, PNG, GIF, WebP), PDF, "
        "Word, Excel and PowerPoint files without macros, text and CSV, audio and MP4 video."
    )


class BrokenFileError(DomainError):
    """The file begins like one of an accepted kind, but is not whole."""

    code = "file_broken"
    status = 422
    message = _("The file is damaged or protected and cannot be read. Please send another copy.")


class TooManyPixelsError(DomainError):
    """The picture would take too much memory to show."""

    code = "image_too_large"
    status = 422
    message = _("The picture has more than %(limit)s million pixels. Please send a smaller one.")
