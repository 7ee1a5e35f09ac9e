"""What may stand in conditions and actions."""

from typing import Any

from django import forms
from django.forms.models import BaseInlineFormSet
from django.utils.translation import gettext

from conversations.conditions import MOST_WORDS, parsed_hours, parsed_words
from conversations.models import ActionKind, Audience, ConditionField, RuleAction, RuleCondition
from conversations.page_patterns import is_pattern
from conversations.services.rule_actions import unknown_variables
from tenants.admin_base import TenantForm
from tenants.models import Membership
from tenants.roles import CAPABILITIES

MOST_PARTS = 20
# Which column of a condition a field needs.
_BY_CHOICE = {
    ConditionField.LANGUAGE,
    ConditionField.REASON,
    ConditionField.VERIFIED,
    ConditionField.SCORE,
    ConditionField.WEEKDAY,
}


class PartsFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Parts of one rule, a manageable number of them."""

    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if not self._should_delete_form(form)]  # type: ignore[attr-defined]
        if len(kept) > MOST_PARTS:
            raise forms.ValidationError(
                gettext("A rule has no more than %(limit)s of them.") % {"limit": MOST_PARTS}
            )


class ConditionForm(TenantForm):
    """A condition whose field finds what it needs, and nothing else."""

    class Meta:
        model = RuleCondition
        fields = ("field", "operator", "channel", "tag", "choice", "value")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        field = cleaned.get("field")
        if not field:
            return cleaned
        if field == ConditionField.CHANNEL:
            self._need("channel", gettext("Choose the channel."))
        elif field == ConditionField.TAG:
            self._need("tag", gettext("Choose the tag."))
        elif field in _BY_CHOICE:
            if (cleaned.get("choice") or "").partition(":")[0] != field:
                self.add_error("choice", gettext("Choose one that belongs to the field."))
        else:
            self._check_value(field, cleaned.get("value") or "")
        if field != ConditionField.CHANNEL:
            cleaned["channel"] = None
        if field != ConditionField.TAG:
            cleaned["tag"] = None
        if field not in _BY_CHOICE:
            cleaned["choice"] = ""
        if field in (*_BY_CHOICE, ConditionField.CHANNEL, ConditionField.TAG):
            cleaned["value"] = ""
        return cleaned

    def _check_value(self, field: str, value: str) -> None:
        if field == ConditionField.HOURS and parsed_hours(value) is None:
            self.add_error("value", gettext("Write hours such as 18:00-09:00."))
        elif field == ConditionField.PAGE and not is_pattern(value):
            self.add_error("value", gettext("Write a page such as /cart*."))
        elif field == ConditionField.WORDS and not 0 < len(parsed_words(value)) <= MOST_WORDS:
            self.add_error("value", gettext("Write one to fifty words, parted by commas."))

    def _need(self, name: str, message: str) -> None:
        if not self.cleaned_data.get(name):
            self.add_error(name, message)


class ActionForm(TenantForm):
    """An action whose kind finds what it needs, and nothing else."""

    class Meta:
        model = RuleAction
        fields = (
            "position",
            "kind",
            "member",
            "audience",
            "by_mail",
            "endpoint",
            "tag",
            "group",
            "text",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "member" in self.fields:
            handling = [role for role, may in CAPABILITIES.items() if "console.enter" in may]
            members = Membership.objects.filter(role__in=handling, is_active=True)
            # Who was chosen before stays to be seen.
            chosen = Membership.objects.filter(pk=self.instance.member_id)
            self.fields["member"].queryset = members | chosen  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind = cleaned.get("kind")
        notifies = kind == ActionKind.NOTIFY
        named = notifies and cleaned.get("audience") == Audience.MEMBER
        if (kind in (ActionKind.ASSIGN, ActionKind.NOTE) or named) and not cleaned.get("member"):
            self.add_error("member", gettext("Choose the member."))
        if notifies and not cleaned.get("audience"):
            self.add_error("audience", gettext("Choose whom to notify."))
        if kind == ActionKind.WEBHOOK and not cleaned.get("endpoint"):
            self.add_error("endpoint", gettext("Choose the webhook."))
        if kind == ActionKind.TAG and not cleaned.get("tag"):
            self.add_error("tag", gettext("Choose the tag."))
        if kind == ActionKind.GROUP and not cleaned.get("group"):
            self.add_error("group", gettext("Choose the group."))
        if kind in (ActionKind.NOTE, ActionKind.REPLY) and not (cleaned.get("text") or "").strip():
            self.add_error("text", gettext("Write the text."))
        unknown = unknown_variables(cleaned.get("text") or "")
        if unknown:
            self.add_error(
                "text",
                gettext("Nothing is filled in for {%(name)s}.") % {"name": unknown[0]},
            )
        if not notifies:
            cleaned["audience"], cleaned["by_mail"] = "", False
        if kind != ActionKind.WEBHOOK:
            cleaned["endpoint"] = None
        if kind != ActionKind.TAG:
            cleaned["tag"] = None
        if kind != ActionKind.GROUP:
            cleaned["group"] = None
        return cleaned
