"""What the assistant may say: the working copy that editors change."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.scoping import TenantModel

QUESTION_LENGTH = 200
ANSWER_LENGTH = 4000


class Category(TenantModel):
    """One heading of the tenant's knowledge base."""

    name = models.CharField(_("name"), max_length=60)
    position = models.PositiveIntegerField(_("position"), default=0)

    class Meta(TenantModel.Meta):
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ("position", "name")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "name"),
                name="category_name_once",
                violation_error_message=_("A category with this name exists already."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class Entry(TenantModel):
    """One standard question with its answer, as editors see it now.

    Visitors hear it only after a release: see EntryVersion and Release.
    """

    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, related_name="entries", verbose_name=_("category")
    )
    question = models.CharField(_("standard question"), max_length=QUESTION_LENGTH)
    answer = models.TextField(
        _("answer"),
        max_length=ANSWER_LENGTH,
        help_text=_("Sent to visitors word for word."),
    )
    is_active = models.BooleanField(
        _("in use"),
        default=True,
        help_text=_("Entries not in use are left out of the next release."),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("changed by"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        ordering = ("category", "question")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "question"),
                name="entry_question_once",
                violation_error_message=_("An entry with this standard question exists already."),
            )
        ]

    def __str__(self) -> str:
        return self.question


class Phrasing(TenantModel):
    """Another way in which visitors ask for an entry."""

    entry = models.ForeignKey(
        Entry, on_delete=models.CASCADE, related_name="phrasings", verbose_name=_("entry")
    )
    text = models.CharField(_("phrasing"), max_length=QUESTION_LENGTH)
    position = models.PositiveIntegerField(_("position"), default=0)

    class Meta(TenantModel.Meta):
        verbose_name = _("phrasing")
        verbose_name_plural = _("phrasings")
        ordering = ("position", "id")
        constraints = [
            models.UniqueConstraint(
                fields=("entry", "text"),
                name="phrasing_once_per_entry",
                violation_error_message=_("The entry has this phrasing already."),
            )
        ]

    def __str__(self) -> str:
        return self.text
