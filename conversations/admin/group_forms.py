"""The forms of a group: whom it serves, its members, its hours."""

from datetime import date, time
from itertools import pairwise
from typing import Any

from django import forms
from django.forms.models import BaseInlineFormSet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from conversations.models import Channel, GroupMember
from conversations.states import HandoffReason
from tenants.admin_base import TenantForm
from tenants.models import Membership
from tenants.roles import CAPABILITIES

LANGUAGES = [("zh-CN", _("Chinese")), ("en", _("English"))]
MAX_SKILLS = 20
SKILL_LENGTH = 30


class WordsField(forms.CharField):
    """Several words in one line, separated by commas of any kind."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        return gettext(", ").join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        text = str(super().to_python(value) or "")
        for comma in "\uff0c\u3001\uff1b;":
            text = text.replace(comma, ",")
        words = [word.strip()[:SKILL_LENGTH] for word in text.split(",")]
        return list(dict.fromkeys(word for word in words if word))[:MAX_SKILLS]

    def validate(self, value: Any) -> None:
        forms.Field.validate(self, value)

    def run_validators(self, value: Any) -> None:
        """Lengths are the words' business, not the whole text's."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(self.prepare_value(initial)) != self.to_python(data)


class ManyField(forms.MultipleChoiceField):
    """Boxes to tick; none ticked means all."""

    widget = UnfoldAdminCheckboxSelectMultipleWidget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, help_text=_("None chosen means all."), **kwargs)


def channel_choices() -> list[tuple[str, str]]:
    """Return the channels of the tenant in scope."""
    return [(str(pk), name) for pk, name in Channel.objects.values_list("pk", "name")]


class GroupForm(TenantForm):
    """A group and whom it serves."""

    reasons = ManyField(label=_("hand-off reasons"), choices=HandoffReason.choices)
    channels = ManyField(label=_("channels"), choices=channel_choices)
    languages = ManyField(label=_("languages"), choices=LANGUAGES)


class GroupMemberForm(TenantForm):
    """An agent's place in a group."""

    skills = WordsField(
        label=_("skills"),
        required=False,
        help_text=_("Words visitors use for it, separated by commas, such as “invoice, refund”."),
    )
    languages = ManyField(label=_("languages"), choices=LANGUAGES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "member" in self.fields:
            roles = [role for role in CAPABILITIES if "conversation.handle" in CAPABILITIES[role]]
            widget: Any = self.fields["member"].widget
            # Members have a page of their own; from here they are only chosen.
            widget.can_add_related = widget.can_change_related = False
            widget.can_delete_related = widget.can_view_related = False
            self.fields["member"].queryset = Membership.objects.filter(  # type: ignore[attr-defined]
                is_active=True, role__in=roles
            ) | Membership.objects.filter(pk=self.instance.member_id)

    class Meta:
        model = GroupMember
        fields = ("member", "skills", "languages", "capacity", "order")


class SpanFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """The spans of a week, or of exceptional days: none may lie inside another of its day."""

    def clean(self) -> None:
        super().clean()
        days: dict[int | date, list[tuple[time, time | None, Any]]] = {}
        for form in self.forms:
            data = getattr(form, "cleaned_data", None) or {}
            start, day = data.get("starts_at"), data.get("weekday", data.get("date"))
            if start is None or day is None or data.get("DELETE"):
                continue
            end = data.get("ends_at")
            days.setdefault(day, []).append((start, None if end and end <= start else end, form))
        for spans in days.values():
            spans.sort(key=lambda span: span[0])
            for (_start, end, _first), (start, _end, form) in pairwise(spans):
                if end is None or start < end:
                    form.add_error("starts_at", _("This overlaps the span before it."))


class ExceptionForm(TenantForm):
    """One exceptional day; a closed one has no times."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("is_closed"):
            cleaned["starts_at"] = cleaned["ends_at"] = None
        return cleaned
