"""What the tags say of many people together; cells about fewer than five stay hidden (R36)."""

import csv
import io

from django.db.models import Count
from django.utils.translation import gettext as _

from conversations.models import Contact, Message, Tag
from knowledge.resources import neutralise
from tenants import clock

FEWEST = 5


def suppressed(count: int, people: int) -> str:
    """Return a figure about so many people, hidden where they are one to four."""
    return str(count) if people == 0 or people >= FEWEST else f"<{FEWEST}"


def tag_figures_csv() -> bytes:
    """Return a CSV (UTF-8 with BOM): each tag with its people, and how they judged answers.

    People who opted out and erased ones are not counted, and a judgement by fewer than five people
    is hidden like the people themselves.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(
        [_("tag"), _("people"), _("people who found an answer helpful"), _("… not helpful")]
    )
    for tag in Tag.objects.order_by("name"):
        people = set(
            Contact.objects.filter(
                opted_out_of_profile=False,
                tags__tag=tag,
                tags__expires_at__gt=clock.now(),
                erased_at=None,
            ).values_list("pk", flat=True)
        )
        judged = dict(
            Message.objects.filter(conversation__contact__in=people)
            .exclude(feedback="")
            .order_by()
            .values_list("feedback")
            .annotate(people=Count("conversation__contact", distinct=True))
        )
        figures = [len(people), judged.get("helpful", 0), judged.get("unhelpful", 0)]
        writer.writerow([neutralise(tag.name), *(suppressed(each, each) for each in figures)])
    return out.getvalue().encode("utf-8-sig")
