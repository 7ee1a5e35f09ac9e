"""Contracts and their terms: drafted by the provider, in force once both parties signed."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from tenants import clock, identifiers, terms_lists
from tenants.admin import term_lists
from tenants.admin_base import TenantAdmin, TenantForm, actor_of, badge, moment
from tenants.errors import DomainError
from tenants.models import Contract, ContractTerms, PartyKind
from tenants.services import approvals, contracts

_CONTACTS = ("party_a_phone", "party_a_email", "party_b_phone", "party_b_email")
_SHOWN = {
    "incident_times": "incident_table",
    "credit_tiers": "tier_table",
    "scores": "score_row",
}
_CAPABILITIES = {
    "view": "contract.view",
    "add": "contract.change",
    "change": "contract.change",
}


class ContractForm(TenantForm):
    """A contract; a natural person's identity number is written here and shown masked."""

    identity = forms.CharField(
        label=_("client's identity number"),
        required=False,
        max_length=18,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=_(
            "Of a natural person, in place of a credit code. Kept sealed and shown masked. Empty: "
            "it stays as it is."
        ),
    )

    class Meta:
        model = Contract
        fields = (*contracts.PARTIES, *_CONTACTS)

    def clean_identity(self) -> str:
        identity = str(self.cleaned_data["identity"]).strip().upper()
        if identity and not identifiers.is_identity_number(identity):
            raise forms.ValidationError(
                _("This is no identity number: its birthday or its check digit does not fit.")
            )
        return identity

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "party_a_kind" not in cleaned or self.errors:
            return cleaned
        if cleaned["party_a_kind"] == PartyKind.PERSON:
            there = cleaned.get("identity") or self.instance.sealed_party_a_identity
            field = "identity"
        else:
            there, field = cleaned.get("party_a_code"), "party_a_code"
        if not there:
            self.add_error(field, contracts.PartyNumberError().detail)
        return cleaned


@admin.register(Contract)
class ContractAdmin(TenantAdmin):
    """Keeps who agreed with whom, where and for how long (R13, R14)."""

    capabilities = _CAPABILITIES
    form = ContractForm
    list_display = ("state", "number", "client_name", "begins", "ends", "versions")
    list_display_links = ("number",)
    empty_text = _(
        "No contract is kept here yet. Until one is in force, the product measures by its own "
        "defaults, which are those of the standard contract."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contract]:
        queryset: QuerySet[Contract] = super().get_queryset(request)
        return queryset.prefetch_related(
            Prefetch("terms", ContractTerms.objects.order_by("number"))
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        identity = ["masked_identity"] if obj and obj.sealed_party_a_identity else []
        if self.has_change_permission(request, obj) and not _is_signed(obj):
            identity.append("identity")
        a, b = (
            [f"party_{letter}_{name}" for name in ("address", "representative", "phone", "email")]
            for letter in "ab"
        )
        head = ["number", "place", "signed_on", "effective_from", "effective_to"]
        return [
            (_("Contract"), {"fields": [*(["state"] if obj else []), *head]}),
            (
                _("Client (party A)"),
                {"fields": ["party_a_kind", "party_a_name", "party_a_code", *identity, *a]},
            ),
            (_("Provider (party B)"), {"fields": ["party_b_name", "party_b_code", *b]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        signed = contracts.PARTIES if _is_signed(obj) else ()
        return ("state", "masked_identity", *signed)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        contracts.save_contract(
            obj, by=actor_of(request).user, identity=form.cleaned_data.get("identity") or None
        )

    @display(description=_("state"))
    def state(self, row: Contract) -> SafeString:
        if not _is_signed(row):
            return badge(gettext("No signed terms"), "warn")
        today = clock.now().astimezone(row.tenant.zone).date()
        if today < row.effective_from:
            return badge(gettext("Signed, begins later"), "info")
        if row.effective_to is not None and today > row.effective_to:
            return badge(gettext("Ended"))
        return badge(gettext("In force"), "ok")

    @display(description=_("client (party A)"), ordering="party_a_name")
    def client_name(self, row: Contract) -> str:
        return row.party_a_name

    @display(description=_("in force from"), ordering="effective_from")
    def begins(self, row: Contract) -> str:
        return f"{row.effective_from:%Y-%m-%d}"

    @display(description=_("in force until"), ordering="effective_to")
    def ends(self, row: Contract) -> str:
        return f"{row.effective_to:%Y-%m-%d}" if row.effective_to else gettext("no end agreed")

    @display(description=_("versions of terms"))
    def versions(self, row: Contract) -> int:
        return len(row.terms.all())

    @display(description=_("client's identity number"))
    def masked_identity(self, row: Contract) -> str:
        return row.party_a_identity or "–"


class ContractTermsForm(TenantForm):
    """Terms; whose contract and when, as the contract allows."""

    class Meta:
        model = ContractTerms
        fields = ("contract", *contracts.AGREED)
        widgets = {
            "incident_times": term_lists.GridWidget(
                term_lists.INCIDENT_COLUMNS, terms_lists.LEVELS
            ),
            "credit_tiers": term_lists.GridWidget(term_lists.TIER_COLUMNS),
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        contract = cleaned.get("contract") or getattr(self.instance, "contract", None)
        begins = cleaned.get("effective_from")
        if contract and begins:
            ends = contract.effective_to
            if begins < contract.effective_from or (ends is not None and begins > ends):
                self.add_error("effective_from", contracts.OutsideContractError().detail)
        return cleaned


@admin.register(ContractTerms)
class ContractTermsAdmin(TenantAdmin):
    """Keeps every parameter of the contract, by version; signed ones never change."""

    capabilities = _CAPABILITIES
    form = ContractTermsForm
    list_display = ("state", "name", "begins", "first_reply", "handoff", "drafted_at")
    list_display_links = ("name",)
    list_select_related = ("contract",)
    actions_detail = ("request_page", "next_page")
    empty_text = _(
        "No terms are agreed yet, so the product's defaults hold. Draft the first version under a "
        "contract, then have both parties sign it."
    )
    # The clause each group stands for; a wording of the contract, not of the interface.
    groups = (
        (
            _("2.1(1) First reply"),
            ("first_reply_seconds", "inquiry_idle_minutes"),
        ),
        (_("2.1(2) Auto-answer rate"), ("auto_answer_target",)),
        (_("2.1(3) Hand-off"), ("handoff_seconds", "console_staff")),
        (_("1.1(2), 1.3 Answers and exclusions"), ("oos_policy", "clarifications")),
        (_("1.1(4) Reports"), ("year_kind", "confirm_working_days")),
        (
            _("1.1(5) Updates of the knowledge base"),
            ("knowledge_working_days", "knowledge_lead_working_days"),
        ),
        (_("1.2 Channels"), ("patch_needs_order", "order_expiry_days")),
        (
            _("2.2(1) Satisfaction"),
            (
                "survey_method",
                "satisfaction_target",
                "scores",
                "sample_size",
                "rectification_working_days",
            ),
        ),
        (
            _("2.2(2) Availability"),
            (
                "availability_target",
                "availability_rule",
                "downtime_unit",
                "maintenance_excluded",
                "exclusion_working_days",
            ),
        ),
        (
            _("2.2(3) Accuracy"),
            ("mismatch_working_days", "wrong_entry_out_minutes", "mismatch_corrected_minutes"),
        ),
        (
            _("Incidents and maintenance"),
            (
                "incident_times",
                "incident_report_working_days",
                "security_notice_minutes",
                "maintenance_notice_hours",
            ),
        ),
        (
            _("Fees and liability"),
            (
                "monthly_fee",
                "credit_tiers",
                "credit_cap",
                "credit_claim_days",
                "late_fee_rate",
                "liability_cap",
            ),
        ),
        (
            _("Personal data and the end"),
            ("subject_working_days", "asks_age", "export_days", "deletion_days"),
        ),
        (_("Further agreements"), ("remarks",)),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        head = ["contract", "effective_from"]
        if obj is not None:
            head = ["state", *head, "since", "content_hash"]
        # Lists are shown as tables where nobody writes in them.
        shown = {} if obj is None or self.has_change_permission(request, obj) else _SHOWN
        return [(_("Version"), {"fields": head})] + [
            (title, {"fields": [shown.get(name, name) for name in names]})
            for title, names in self.groups
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        told = ("state", "since", "content_hash")
        if obj is None:
            return told
        return (*told, "contract", *(contracts.AGREED if obj.in_force_at else ()))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        signed = obj is not None and obj.in_force_at is not None
        return not signed and super().has_change_permission(request, obj)

    def idle_steps(self, request: HttpRequest, row: Any) -> Collection[str]:
        return ("request_page",) if row.in_force_at is not None else ()

    def has_draft_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "change")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        contracts.save_terms(obj, by=actor_of(request).user)
        if change:
            messages.info(
                request, gettext("Signatures given before hold no more where the content changed.")
            )

    @action(
        description=_("Ask for signatures"),
        url_path="request",
        permissions=["draft"],
        icon="draw",
    )
    def request_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then let both parties be asked to sign what stands here."""
        row: Any = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "POST":
            approval = approvals.request_terms(row)
            return HttpResponseRedirect(
                reverse("admin:tenants_approval_change", args=[approval.pk])
            )
        return self._confirm(
            request,
            row,
            gettext("Have %(name)s signed?"),
            gettext(
                "An account manager signs for the provider and a client administrator for the "
                "client. Any change of the terms afterwards voids both signatures."
            ),
            gettext("Ask for signatures"),
        )

    @action(
        description=_("Draft the next version"),
        url_path="next",
        permissions=["draft"],
        icon="content_copy",
    )
    def next_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then copy these terms into a draft of the next version."""
        row: Any = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "POST":
            try:
                draft = contracts.save_terms(contracts.next_version(row), by=actor_of(request).user)
            except DomainError as error:
                messages.error(request, error.detail)
                return HttpResponseRedirect(self._page_of(row))
            return HttpResponseRedirect(self._page_of(draft))
        return self._confirm(
            request,
            row,
            gettext("Draft the version after %(name)s?"),
            gettext(
                "The draft begins as a copy. What is in force stays so until both parties signed "
                "the draft and its day has come."
            ),
            gettext("Draft the next version"),
        )

    def _confirm(
        self, request: HttpRequest, row: ContractTerms, title: str, lead: str, label: str
    ) -> HttpResponse:
        return self.page(
            request,
            "admin/confirm_page.html",
            {
                "title": title % {"name": row},
                "lead": lead,
                "facts": [
                    (gettext("contract"), row.contract.number),
                    (gettext("version"), row.number),
                    (gettext("in force from"), f"{row.effective_from:%Y-%m-%d}"),
                ],
                "submit_label": label,
                "cancel_url": self._page_of(row),
            },
        )

    def _page_of(self, row: ContractTerms) -> str:
        return reverse("admin:tenants_contractterms_change", args=[row.pk])

    @display(description=_("state"))
    def state(self, row: ContractTerms) -> SafeString:
        if row.in_force_at is None:
            return badge(gettext("Draft"), "warn")
        if row.in_force_at > clock.now():
            return badge(gettext("Signed, begins later"), "info")
        if contracts.terms_at(clock.now()).version == str(row):
            return badge(gettext("In force"), "ok")
        return badge(gettext("Replaced or ended"))

    @display(description=_("terms"))
    def name(self, row: ContractTerms) -> str:
        return str(row)

    @display(description=_("in force from"), ordering="effective_from")
    def begins(self, row: ContractTerms) -> str:
        return f"{row.effective_from:%Y-%m-%d}"

    @display(description=_("in force since"))
    def since(self, row: ContractTerms) -> str:
        return moment(row.in_force_at) or "–"

    @display(description=_("incidents: times per level"))
    def incident_table(self, row: ContractTerms) -> SafeString:
        return term_lists.incident_times(row.incident_times)

    @display(description=_("service credits"))
    def tier_table(self, row: ContractTerms) -> SafeString:
        return term_lists.credit_tiers(row.credit_tiers)

    @display(description=ContractTerms._meta.get_field("scores").verbose_name)
    def score_row(self, row: ContractTerms) -> str:
        return " / ".join(str(score) for score in row.scores)

    @display(description=_("first reply"))
    def first_reply(self, row: ContractTerms) -> str:
        return gettext("%(count)s s") % {"count": row.first_reply_seconds}

    @display(description=_("hand-off"))
    def handoff(self, row: ContractTerms) -> str:
        return gettext("%(count)s s") % {"count": row.handoff_seconds}

    @display(description=_("created at"), ordering="created_at")
    def drafted_at(self, row: ContractTerms) -> str:
        return moment(row.created_at)


def _is_signed(row: Contract | None) -> bool:
    return row is not None and any(each.in_force_at is not None for each in row.terms.all())
