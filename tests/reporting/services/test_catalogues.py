"""A catalogue of common questions is put before both parties, who are told what came of it."""

from datetime import timedelta

from reporting.services import catalogues
from tenants import clock
from tenants.models import Approval, Notification, Party
from tenants.roles import Role
from tenants.services import approvals
from tests.tenants.agreements import Parties
from tests.tenants.told import told


def test_catalogue_is_in_force_once_both_have_signed(parties: Parties) -> None:
    row = catalogues.draft([{"name": "物流", "examples": ["几天发货？"]}], by=parties.provider)
    catalogues.submit(row, by=parties.provider)
    approval = Approval.objects.get(about_id=row.pk)
    tomorrow = clock.now().date() + timedelta(days=2)

    approvals.sign(approval, parties.provider, Party.PROVIDER)
    assert catalogues.in_force(tomorrow) is None
    approvals.sign(approval, parties.client, Party.CLIENT)

    assert catalogues.in_force(tomorrow) == row
    both = {Role.ACCOUNT_MANAGER, Role.CLIENT_ADMIN}
    assert [each[2] for each in told("approval.requested")] == [both]
    assert [each[1][:6] for each in told("approval.settled")] == ["双方已签署："]


def test_refusal_is_told_with_its_reason(parties: Parties) -> None:
    row = catalogues.draft([{"name": "物流", "examples": ["几天发货？"]}], by=parties.provider)
    catalogues.submit(row, by=parties.provider)
    approval = Approval.objects.get(about_id=row.pk)

    approvals.refuse(approval, parties.client, Party.CLIENT, reason="缺少退货")

    assert [each[0] for each in told("approval.settled")] == ["warning"]
    assert Notification.objects.get(kind="approval.settled").body == "缺少退货"
