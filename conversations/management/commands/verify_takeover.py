"""Prove that the assistant is silent once a person has the conversation."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from conversations.bench import races
from conversations.bench.rehearsal import open_channel
from knowledge.models import Category, Entry
from knowledge.services import releases
from tenants import throwaway
from tenants.models import Membership, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services.onboarding import create_tenant

RACES = 1000
_TOLD_EVERY = 100
_QUESTION = "How long does delivery take?"


class Command(BaseCommand):
    """Let turns and agents meet in a throw-away database."""

    help = (
        "Let an agent take each conversation while the assistant is about to reply, in a "
        "throw-away database; exit 1 if it ever spoke after that, or if the two never met."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--races", type=int, default=RACES)
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        throwaway.enter()
        with tenant_scope(create_tenant(slug="rehearsal", name="Rehearsal")):
            entry = Category.objects.create(name="Rehearsal")
            Entry.objects.create(category=entry, question=_QUESTION, answer="Two working days.")
            releases.publish(by=None)
            channel = open_channel()
            agent = Membership.objects.create(
                user=User.objects.create_user("agent@rehearsal.example"),
                role=Role.AGENT,
                display_name="Agent",
            )
            seen = []
            for number in range(options["races"]):
                seen.append(races.run(channel, agent, _QUESTION, number))
                if (number + 1) % _TOLD_EVERY == 0:
                    self.stderr.write(f"{number + 1} races")
        found = {
            "races": len(seen),
            "spoke_before": sum(race.spoke for race in seen),
            "silenced": sum(not race.spoke for race in seen),
            "spoke_after": sum(race.after for race in seen),
            "not_taken": sum(not race.taken for race in seen),
        }
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
        else:
            self.stdout.write(" ".join(f"{name}={value}" for name, value in found.items()))
        # Where one side always came first, nothing was proved.
        met = found["spoke_before"] and found["silenced"]
        if found["spoke_after"] or found["not_taken"] or not met:
            sys.exit(1)
