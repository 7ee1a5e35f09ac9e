"""Which contacts are one person, as colleagues found (services.merging).

What a visitor's device may see hangs on its own contact alone. What colleagues read is the
person's: the kept contact's and that of every contact merged into it.
"""

from uuid import UUID

from conversations.models import Contact


def person_of(contact: Contact) -> Contact:
    """Return the contact that stands for the person: itself, or what it was merged into."""
    while contact.merged_into_id is not None:
        contact = Contact.objects.get(pk=contact.merged_into_id)
    return contact


def contact_ids_of(person: Contact) -> list[UUID]:
    """Return the ids of all contacts that are this person, the given one first."""
    found = [person.pk]
    newest = [person.pk]
    while newest:
        newest = list(
            Contact.objects.filter(merged_into__in=newest)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        found += newest
    return found
