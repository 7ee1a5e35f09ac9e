"""The programs that watch from outside, for platform operators."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from reporting.models import Prober
from tenants.admin_base import OperatorAdmin, badge, second


@admin.register(Prober)
class ProberAdmin(OperatorAdmin):
    """Shows who watches, and takes a prober out of use; `manage.py add_prober` registers one."""

    list_display = ("name", "standing", "heard", "sequence", "ways")
    fields = ("name", "is_active", "standing", "heard", "sequence", "ways", "registered")
    readonly_fields = ("name", "standing", "heard", "sequence", "ways", "registered")
    empty_text = _(
        "Nobody watches from outside, so availability is not measured. Register at least two "
        "probers on hosts of their own with: manage.py add_prober NAME"
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @display(description=_("state"))
    def standing(self, row: Prober) -> SafeString:
        if not row.is_active:
            return badge(gettext("Out of use"))
        if row.last_seen_at is None:
            return badge(gettext("Never heard"), "warn")
        return badge(gettext("In use"), "ok")

    @display(description=_("last heard at"), ordering="last_seen_at")
    def heard(self, row: Prober) -> str:
        return second(row.last_seen_at) or "–"

    @display(description=_("ways in"))
    def ways(self, row: Prober) -> str:
        return ", ".join(row.targets) or "–"

    @display(description=_("registered at"))
    def registered(self, row: Any) -> str:
        return second(row.created_at)
