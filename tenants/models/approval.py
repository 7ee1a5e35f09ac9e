"""What both parties have to sign, and their signatures (R46, R47)."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.ledger import AppendOnlyError
from tenants.scoping import TenantModel


class ApprovalKind(models.TextChoices):
    """What is agreed on."""

    CONTRACT_TERMS = "contract_terms", _("Contract terms")
    QUESTION_CATALOGUE = "question_catalogue", _("Common-question catalogue")


class ApprovalState(models.TextChoices):
    """How far the agreement is."""

    OPEN = "open", _("To be signed")
    CONFIRMED = "confirmed", _("Signed by both")
    REFUSED = "refused", _("Refused")
    VOID = "void", _("Void: the content changed")


class Party(models.TextChoices):
    """The two sides of the contract."""

    CLIENT = "client", _("Client (party A)")
    PROVIDER = "provider", _("Provider (party B)")


class Approval(TenantModel):
    """One content that both parties are asked to sign, by its fingerprint."""

    kind = models.CharField(_("what is agreed on"), max_length=40, choices=ApprovalKind)
    about_id = models.UUIDField(_("subject"))
    title = models.CharField(_("title"), max_length=120, blank=True)
    content = models.JSONField(_("content"))
    content_hash = models.CharField(_("fingerprint of the content"), max_length=64)
    state = models.CharField(
        _("state"), max_length=10, choices=ApprovalState, default=ApprovalState.OPEN
    )
    requested_at = models.DateTimeField(_("requested at"))
    settled_at = models.DateTimeField(_("settled at"), null=True)
    refused_reason = models.CharField(_("reason for the refusal"), max_length=300, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        ordering = ("-requested_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "kind", "about_id"),
                condition=models.Q(state="open"),
                name="approval_one_open_per_subject",
            )
        ]
        indexes = [
            models.Index(fields=("tenant", "kind", "content_hash"), name="approval_by_content")
        ]

    def __str__(self) -> str:
        return self.title or self.get_kind_display()


class Signature(TenantModel):
    """One party's signature under one content. Written once."""

    approval = models.ForeignKey(
        Approval, on_delete=models.PROTECT, related_name="signatures", verbose_name=_("approval")
    )
    party = models.CharField(_("party"), max_length=10, choices=Party)
    signer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("signed by"),
    )
    signer_name = models.CharField(_("signer's name"), max_length=120)
    content_hash = models.CharField(_("fingerprint of the content"), max_length=64)
    signed_at = models.DateTimeField(_("signed at"))
    ip = models.GenericIPAddressField(_("network address"), null=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        ordering = ("signed_at",)
        constraints = [
            models.UniqueConstraint(fields=("approval", "party"), name="signature_once_per_party"),
            models.UniqueConstraint(fields=("approval", "signer"), name="signature_by_two_people"),
        ]

    def __str__(self) -> str:
        return f"{self.get_party_display()} {self.signed_at:%Y-%m-%d %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("a signature is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("a signature is never removed")
