"""The page that shows where the knowledge base wants work."""

import uuid
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from knowledge import upkeep
from tenants.admin_base import TenantAdmin, actor_of

SHOWN_THIN = 50


class UpkeepMixin(TenantAdmin):
    """The upkeep page, reached from the queue of proposals."""

    @action(description=_("Upkeep"), url_path="upkeep", permissions=["view"], icon="build")
    def upkeep_page(self, request: HttpRequest) -> HttpResponse:
        """Show where the knowledge base wants work."""
        thin = upkeep.thin_entries()
        return self.page(
            request,
            "knowledge/upkeep.html",
            {
                "title": gettext("Upkeep of the knowledge base"),
                "thin": thin[:SHOWN_THIN],
                "thin_left": max(0, len(thin) - SHOWN_THIN),
                "duplicates": [
                    (pair, round(pair.cosine * 100)) for pair in upkeep.near_duplicates()
                ],
                "unknowns": [
                    (group, new_entry_url(group.text)) for group in upkeep.repeated_unknowns()
                ],
                "may_edit": actor_of(request).can("knowledge.change"),
            },
        )


def new_entry_url(question: str, *, proposal: uuid.UUID | None = None) -> str:
    """Return where a new entry with this question, and the proposal's drafted answer, is written."""
    given = {"question": question} | ({"proposal": str(proposal)} if proposal else {})
    return f"{reverse('admin:knowledge_entry_add')}?{urlencode(given)}"
