"""The forms of the knowledge base."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget

from knowledge.models import Entry
from knowledge.resources import PHRASING_LENGTH
from knowledge.services.entries import clean_phrasings
from knowledge.services.imports import MAX_BYTES, FileRefusedError, Table, read_table
from tenants.admin_base import LinesField, TenantForm


class EntryForm(TenantForm):
    """One standard question with its other phrasings and its answer."""

    phrasings = LinesField(
        label=_("phrasings"),
        required=False,
        rows=8,
        help_text=_("Other ways in which visitors ask for this, one per line."),
    )

    class Meta:
        model = Entry
        fields = ("category", "question", "phrasings", "answer", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["phrasings"] = [text.text for text in self.instance.phrasings.all()]

    def clean_answer(self) -> str:
        return str(self.cleaned_data["answer"]).replace("\r\n", "\n")

    def clean_phrasings(self) -> list[str]:
        texts: list[str] = self.cleaned_data["phrasings"]
        for number, text in enumerate(texts, 1):
            if len(text) > PHRASING_LENGTH:
                raise ValidationError(
                    gettext(
                        "Line %(number)s is too long: %(length)s characters, %(limit)s at most."
                    ),
                    params={"number": number, "length": len(text), "limit": PHRASING_LENGTH},
                )
        return clean_phrasings(texts, question=self.cleaned_data.get("question", ""))


class ImportForm(forms.Form):
    """A file of entries; `table` is what it says."""

    file = forms.FileField(
        label=_("file"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.xlsx"}),
        help_text=_("CSV or XLSX, up to 5 MB and 50,000 rows."),
    )
    table: Table

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        try:
            # One byte more than allowed is enough to be refused.
            self.table = read_table(file.read(MAX_BYTES + 1))
        except FileRefusedError as error:
            raise ValidationError(error.detail) from error
        return file


class PublishForm(forms.Form):
    """What the release is remembered by."""

    note = forms.CharField(
        label=_("note"),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("What changed and why, for the list of releases."),
    )
