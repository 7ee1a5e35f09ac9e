"""What colleagues know of a contact beside what was said: tags, notes, and who is one person."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.contact import Contact
from conversations.models.conversation import Conversation
from tenants.models import Membership
from tenants.scoping import TenantModel

NOTE_LENGTH = 2000
REASON_LENGTH = 200


class TagColour(models.TextChoices):
    """The colours a tag may have: those that can be told apart, also in the dark."""

    GREY = "grey", _("Grey")
    TEAL = "teal", _("Teal")
    BLUE = "blue", _("Blue")
    PURPLE = "purple", _("Purple")
    ORANGE = "orange", _("Orange")
    RED = "red", _("Red")


class TagRule(models.TextChoices):
    """What makes the system give a tag by itself: consultations and satisfaction, nothing else."""

    COMPLAINT = "complaint", _("A major complaint was handed to people")
    UNHELPFUL = "unhelpful", _("An answer was judged not helpful")
    OFTEN = "often", _("Three conversations within 30 days")


class TagSource(models.TextChoices):
    """Who gave a contact a tag."""

    AGENT = "agent", _("Agent")
    RULE = "rule", _("Rule")
    ASSISTANT = "assistant", _("Assistant")


class Tag(TenantModel):
    """One word by which colleagues sort contacts (R36)."""

    name = models.CharField(
        _("name"),
        max_length=40,
        help_text=_(
            "Taken from what people ask and how satisfied they are. A tag must never lead to other "
            "prices or terms for the same thing (PIPL, article 24)."
        ),
    )
    colour = models.CharField(_("colour"), max_length=10, choices=TagColour, default=TagColour.GREY)
    rule = models.CharField(
        _("given by itself when"),
        max_length=12,
        choices=TagRule,
        blank=True,
        help_text=_("Never to contacts who opted out of profiling. Empty: given by people alone."),
    )
    life_days = models.PositiveIntegerField(
        _("stays for days"),
        default=365,
        validators=[MinValueValidator(1), MaxValueValidator(730)],
        help_text=_("After so many days the tag falls off the contact by itself."),
    )
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "name"),
                name="tag_once_per_name",
                violation_error_message=_("There is a tag of this name already."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class ContactTag(TenantModel):
    """One tag on one contact: who gave it, why, and until when it stays."""

    contact = models.ForeignKey(
        Contact, on_delete=models.CASCADE, related_name="tags", verbose_name=_("contact")
    )
    tag = models.ForeignKey(
        Tag, on_delete=models.CASCADE, related_name="contacts", verbose_name=_("tag")
    )
    source = models.CharField(_("source"), max_length=10, choices=TagSource)
    by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("conversation"),
    )
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH, blank=True)
    added_at = models.DateTimeField(_("added at"))
    expires_at = models.DateTimeField(_("stays until"))

    class Meta(TenantModel.Meta):
        verbose_name = _("tag of a contact")
        verbose_name_plural = _("tags of contacts")
        ordering = ("added_at", "pk")
        constraints = [
            models.UniqueConstraint(fields=("contact", "tag"), name="contacttag_once_per_contact")
        ]
        indexes = [models.Index(fields=("expires_at",), name="contacttag_by_expiry")]

    def __str__(self) -> str:
        return str(self.tag_id)


class ContactNote(TenantModel):
    """One remark about a contact that stays when the conversation is over; colleagues read it."""

    contact = models.ForeignKey(
        Contact, on_delete=models.CASCADE, related_name="profile_notes", verbose_name=_("contact")
    )
    author = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("author")
    )
    text = models.TextField(_("text"), max_length=NOTE_LENGTH)
    pinned = models.BooleanField(_("pinned"), default=False)
    created_at = models.DateTimeField(_("created at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("note about a contact")
        verbose_name_plural = _("notes about contacts")
        ordering = ("-pinned", "-created_at", "-pk")

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"


class ContactMerge(TenantModel):
    """One statement of a colleague that two contacts are one person, with all it takes to undo it.

    `moved` names what went to the kept contact: ids of tags and notes, and the fields filled in;
    and, for the record, the conversations that came with the merged one.
    """

    kept = models.ForeignKey(
        Contact, on_delete=models.CASCADE, related_name="merges", verbose_name=_("kept contact")
    )
    merged = models.ForeignKey(
        Contact, on_delete=models.CASCADE, related_name="+", verbose_name=_("merged contact")
    )
    by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("at"))
    moved = models.JSONField(_("moved"), default=dict)
    undone_at = models.DateTimeField(_("undone at"), null=True)
    undone_by = models.ForeignKey(
        Membership,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("undone by"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("merge of contacts")
        verbose_name_plural = _("merges of contacts")
        ordering = ("-at", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=("merged",),
                condition=models.Q(undone_at__isnull=True),
                name="contactmerge_one_standing_per_merged",
            )
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"
