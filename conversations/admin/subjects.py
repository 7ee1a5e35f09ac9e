"""What people ask about their own data: taken down, handed out, erased or refused."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from conversations.admin.pages import FormPages, Question, member_of, reason_field
from conversations.models import SubjectRequest, SubjectRequestKind
from conversations.services import subject_export, subjects
from tenants import clock
from tenants.admin_base import TenantAdmin, TenantForm, badge, moment
from tenants.admin_filters import period_on


class RequestForm(TenantForm):
    """Who asks, what for, and how they proved who they are."""

    who = forms.CharField(
        label=_("who asks"),
        max_length=254,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_(
            "A whole customer number, phone number, e-mail address, or the id of a contact."
        ),
    )

    class Meta:
        model = SubjectRequest
        fields = ("kind", "identity_check")

    def clean_who(self) -> str:
        who: str = self.cleaned_data["who"]
        found = subjects.find_contacts(who)
        if not found:
            raise forms.ValidationError(_("Nobody is known by this."))
        if len(found) > 1:
            names = "; ".join(f"{contact} {contact.pk}" for contact in found)
            raise forms.ValidationError(
                _("Several contacts are known by this. Enter the id of the one: %(names)s"),
                params={"names": names},
            )
        self.instance.contact = found[0]
        return who


class ErasureForm(forms.Form):
    """The second step before everything is erased."""

    typed = forms.CharField(
        label=_("name of the contact, exactly as above"),
        max_length=80,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )


class RefusalForm(forms.Form):
    """What the person is told."""

    reason = reason_field(_("reason for the refusal"), limit=300)


@admin.register(SubjectRequest)
class SubjectRequestAdmin(FormPages, TenantAdmin):
    """Lists the requests, the nearest deadline first; each is met or refused by a person."""

    capabilities = {"view": "subject.view", "add": "subject.handle", "handle": "subject.handle"}
    form = RequestForm
    list_display = ("state", "who_asks", "kind_name", "asked_at", "deadline", "settled_at")
    list_display_links = ("who_asks",)
    list_filter = (("kind", ChoicesDropdownFilter), period_on("requested_at"))
    list_filter_submit = True
    list_select_related = ("contact", "done_by")
    ordering = ("done_at", "due_at")
    actions_detail = ("export_page", "erase_page", "complete_page", "refuse_page")
    empty_text = _(
        "When a person asks what is kept of them, or wants it corrected or erased, the request is "
        "taken down here with its deadline."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[SubjectRequest]:
        queryset: QuerySet[SubjectRequest] = super().get_queryset(request)
        return queryset.select_related("contact", "created_by", "done_by")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("who", "kind", "identity_check")
        told = ("state", "contact_link", "kind_name", "identity_check", "asked_at", "created_by")
        return (*told, "deadline", "exported", "settled_at", "done_by", "refused_reason")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else self.get_fields(request, obj)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"who": request.GET.get("who", "")[:254]}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        row = subjects.open_request(
            obj.contact,
            SubjectRequestKind(obj.kind),
            identity_check=obj.identity_check,
            by=member_of(request),
        )
        obj.__dict__.update(row.__dict__)

    def has_handle_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "handle")

    @action(
        description=_("Export everything"),
        url_path="export",
        permissions=["handle"],
        icon="download",
    )
    def export_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then send one ZIP with everything that is kept of the person."""
        row = self.get_object(request, object_id)
        if not isinstance(row, SubjectRequest):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        question = self._question(
            row,
            gettext("Export everything that is kept of %(name)s?"),
            gettext(
                "One ZIP: to read, for spreadsheets and for machines. It holds personal data, so "
                "hand it to that person alone. The export is noted in the ledger."
            ),
            gettext("Export everything"),
            forms.Form,
        )

        def work(data: dict[str, Any]) -> HttpResponse:
            packed = subject_export.archive(row, by=member_of(request))
            response = HttpResponse(packed, content_type="application/zip")
            name = f"subject-{row.pk.hex[-8:]}.zip"
            response["Content-Disposition"] = f'attachment; filename="{name}"'
            response["Cache-Control"] = "no-store"
            return response

        return self.ask(request, question, work)

    @action(description=_("Erase"), url_path="erase", permissions=["handle"], icon="delete_forever")
    def erase_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the name, then erase everything of the person for good."""
        row = self.get_object(request, object_id)
        if not isinstance(row, SubjectRequest):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        question = self._question(
            row,
            gettext("Erase everything of %(name)s for good?"),
            gettext(
                "Names, numbers, what was said, notes, tags and tokens go and cannot be brought "
                "back. Counts and times stay without a person, and the ledger keeps fingerprints "
                "only. Type “%(name)s” to confirm."
            )
            % {"name": row.contact.display_name},
            gettext("Erase for good"),
            ErasureForm,
        )

        def work(data: dict[str, Any]) -> str:
            erased = subjects.erase(row, typed=data["typed"], by=member_of(request))
            return gettext("Erased: %(count)s rows.") % {"count": sum(erased.values())}

        return self.ask(request, question, work)

    @action(description=_("Met"), url_path="complete", permissions=["handle"], icon="task_alt")
    def complete_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then note that the request is met."""
        row = self.get_object(request, object_id)
        if not isinstance(row, SubjectRequest):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        question = self._question(
            row,
            gettext("Is the request of %(name)s met?"),
            gettext(
                "Access: the archive was handed over. Correction: the values were corrected on the "
                "contact's page. Withdrawal: profiling and all sessions end with this."
            ),
            gettext("It is met"),
            forms.Form,
        )

        def work(data: dict[str, Any]) -> str:
            subjects.complete_request(row, by=member_of(request))
            return gettext("The request is met.")

        return self.ask(request, question, work)

    @action(description=_("Refuse"), url_path="refuse", permissions=["handle"], icon="block")
    def refuse_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the reason that the person is told, then note the refusal."""
        row = self.get_object(request, object_id)
        if not isinstance(row, SubjectRequest):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        question = self._question(
            row,
            gettext("Refuse the request of %(name)s?"),
            gettext("The law wants a reason, and that the person is told of it."),
            gettext("Refuse"),
            RefusalForm,
        )

        def work(data: dict[str, Any]) -> str:
            subjects.refuse_request(row, reason=data["reason"], by=member_of(request))
            return gettext("The request is refused.")

        return self.ask(request, question, work)

    def _question(
        self, row: SubjectRequest, title: str, lead: str, label: str, form: type[forms.Form]
    ) -> Question:
        return Question(
            title=title % {"name": row.contact.display_name},
            lead=lead,
            submit_label=label,
            form_class=form,
            back=reverse("admin:conversations_subjectrequest_change", args=[row.pk]),
        )

    @display(description=_("state"))
    def state(self, row: SubjectRequest) -> SafeString:
        if row.refused_reason:
            return badge(gettext("Refused"))
        if not row.is_open:
            return badge(gettext("Met"), "ok")
        late = row.due_at is not None and clock.now() > row.due_at
        return badge(gettext("Overdue"), "breach") if late else badge(gettext("Open"), "warn")

    @display(description=_("contact"))
    def who_asks(self, row: SubjectRequest) -> str:
        return row.contact.display_name

    @display(description=_("contact"))
    def contact_link(self, row: SubjectRequest) -> SafeString:
        return format_html(
            '<a class="y-link" href="{}">{}</a>',
            reverse("admin:conversations_contact_change", args=[row.contact_id]),
            row.contact.display_name,
        )

    @display(description=_("kind"), ordering="kind")
    def kind_name(self, row: SubjectRequest) -> str:
        return row.get_kind_display()

    @display(description=_("requested at"), ordering="requested_at")
    def asked_at(self, row: SubjectRequest) -> str:
        return moment(row.requested_at)

    @display(description=_("due at"), ordering="due_at")
    def deadline(self, row: SubjectRequest) -> str:
        return moment(row.due_at) or gettext("Waiting for the holiday notice")

    @display(description=_("last exported at"))
    def exported(self, row: SubjectRequest) -> str:
        return moment(row.exported_at) or "–"

    @display(description=_("done at"), ordering="done_at")
    def settled_at(self, row: SubjectRequest) -> str:
        return moment(row.done_at) or "–"
