"""Roles as data: who may what, in one readable table."""

import re

import pytest
from django.utils.functional import Promise

from tenants.actors import Actor
from tenants.models import Membership, User
from tenants.roles import CAPABILITIES, OPERATOR_CAPABILITIES, Role

# manager, client admin, knowledge editor, supervisor, agent, client read-only, operator
TABLE = """
admin.enter           yes yes yes yes no  yes yes
alert.change          yes yes no  no  no  no  yes
alert.view            yes yes no  yes no  yes yes
availability.claim    yes no  no  no  no  no  yes
availability.configure yes yes no  no  no  no  yes
availability.decide   no  yes no  no  no  no  no
availability.view     yes yes no  yes no  yes yes
canned.change         yes yes no  yes no  no  yes
canned.view           yes yes no  yes no  yes yes
channel.change        yes yes no  no  no  no  yes
channel.view          yes yes no  yes no  yes yes
console.enter         no  yes no  yes yes no  yes
contact.block         no  yes no  yes yes no  no
contact.change        no  yes no  yes yes no  no
contact.merge         no  yes no  yes no  no  no
contact.view          yes yes no  yes yes yes yes
contract.change       yes no  no  no  no  no  yes
contract.sign         yes yes no  no  no  no  yes
contract.view         yes yes no  no  no  yes yes
conversation.handle   no  yes no  yes yes no  no
conversation.supervise no yes no  yes no  no  yes
conversation.view     yes yes no  yes yes yes yes
figure.view           yes yes no  yes no  yes yes
group.change          yes yes no  yes no  no  yes
group.view            yes yes no  yes no  yes yes
incident.handle       yes no  no  no  no  no  yes
incident.people       yes yes no  no  no  no  no
incident.view         yes yes no  yes no  yes yes
knowledge.change      yes yes yes no  no  no  yes
knowledge.publish     yes yes yes no  no  no  yes
knowledge.view        yes yes yes yes no  yes yes
ledger.view           yes yes no  yes no  yes yes
lexicon.change        yes yes no  no  no  no  yes
lexicon.view          yes yes no  yes no  yes yes
membership.change     yes yes no  no  no  no  yes
membership.view       yes yes no  yes no  yes yes
mismatch.change       yes no  no  no  no  no  yes
mismatch.view         yes yes no  yes no  yes yes
obligation.view       yes yes no  yes no  yes yes
plan.decide           no  yes no  no  no  no  no
plan.view             yes yes no  yes no  yes yes
plan.write            yes no  no  no  no  no  yes
qa.change             yes yes no  no  no  no  yes
qa.rate               yes yes no  yes no  no  yes
qa.view               yes yes no  yes no  yes yes
question.label        yes yes no  no  no  no  yes
question.view         yes yes no  yes no  yes yes
report.answer         no  yes no  no  no  no  no
report.approve        yes no  no  no  no  no  yes
report.change         yes no  no  no  no  no  yes
report.view           yes yes no  yes no  yes yes
rule.change           yes yes no  no  no  no  yes
rule.view             yes yes no  yes no  yes yes
subject.handle        no  yes no  no  no  no  no
subject.view          yes yes no  no  no  no  yes
subprocessor.approve  no  yes no  no  no  no  no
subprocessor.change   yes no  no  no  no  no  yes
subprocessor.view     yes yes no  yes no  yes yes
survey.change         yes yes no  no  no  no  yes
survey.view           yes yes no  yes no  yes yes
target.change         yes yes no  no  no  no  yes
target.view           yes yes no  yes no  yes yes
tenant.view           yes yes no  no  no  yes yes
ticket.configure      yes yes no  yes no  no  yes
ticket.handle         no  yes no  yes yes no  no
ticket.view           yes yes no  yes yes yes yes
webhook.change        yes yes no  no  no  no  yes
webhook.view          yes yes no  yes no  yes yes
wrapup.change         yes yes no  yes no  no  yes
wrapup.view           yes yes no  yes no  yes yes
"""
ROLES = [
    Role.ACCOUNT_MANAGER,
    Role.CLIENT_ADMIN,
    Role.KNOWLEDGE_EDITOR,
    Role.SUPERVISOR,
    Role.AGENT,
    Role.CLIENT_READONLY,
]


def test_capabilities_are_those_of_the_table() -> None:
    rows = [line.split() for line in TABLE.strip().splitlines()]
    every = sorted(set().union(*CAPABILITIES.values()))

    assert [row[0] for row in rows] == every
    for name, *answers in rows:
        has = [name in CAPABILITIES[role] for role in ROLES] + [name in OPERATOR_CAPABILITIES]
        assert [("yes" if may else "no") for may in has] == answers, name


def test_every_role_has_capabilities() -> None:
    assert set(CAPABILITIES) == set(Role) == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_view_comes_with_every_other_verb(role: Role) -> None:
    held = CAPABILITIES[role]

    for capability in held:
        noun, verb = re.fullmatch(r"([a-z]+)\.([a-z]+)", capability).groups()  # type: ignore[union-attr]
        if verb in ("change", "publish", "handle"):
            assert f"{noun}.view" in held


@pytest.mark.parametrize("role", ROLES)
def test_labels_are_translated_late(role: Role) -> None:
    assert isinstance(Role._value2member_map_[role]._label_, Promise)


def test_member_can_what_the_role_can_while_active() -> None:
    member = Membership(role=Role.AGENT, is_active=True)

    assert member.can("conversation.handle")
    assert not member.can("knowledge.change")
    assert not member.can("nothing.at.all")
    member.is_active = False
    assert not member.can("conversation.handle")


def test_operator_may_everything_but_talk_to_visitors() -> None:
    visiting = Actor(user=User(is_operator=True), tenant=None, membership=None)

    assert visiting.can("membership.change")
    assert visiting.can("console.enter")
    assert not visiting.can("conversation.handle")


def test_operator_who_is_a_member_may_both() -> None:
    member = Membership(role=Role.AGENT, is_active=True)
    both = Actor(user=User(is_operator=True), tenant=None, membership=member)

    assert both.can("conversation.handle")
    assert both.can("membership.change")


def test_person_without_membership_may_nothing() -> None:
    nobody = Actor(user=User(), tenant=None, membership=None)

    assert not any(nobody.can(capability) for capability in OPERATOR_CAPABILITIES)
