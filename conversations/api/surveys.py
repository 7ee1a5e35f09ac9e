"""Where the widget and the client's apps send what a visitor thinks of an inquiry."""

from rest_framework.request import Request
from rest_framework.response import Response

from conversations import survey_wire
from conversations.api.serializers import RatingInput
from conversations.api.views import ClientView
from conversations.models import SurveyInvite
from conversations.services import ratings
from tenants.errors import NotFoundError
from tenants.scoping import as_uuid


class SurveyView(ClientView):
    """POST /surveys/{id}: how satisfied the visitor is with one part of an inquiry."""

    def post(self, request: Request, pk: str) -> Response:
        invite = self._invite(pk)
        serializer = RatingInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        ratings.rate(invite, given["part"], given["score"], comment=given.get("comment"))
        english = survey_wire.is_english(self.session.contact)
        return Response(survey_wire.shown(invite, english=english))

    def _invite(self, pk: str) -> SurveyInvite:
        invite: SurveyInvite | None = (
            SurveyInvite.objects.select_related("month__terms")
            .filter(
                pk=as_uuid(pk),
                inquiry__conversation__contact=self.session.contact,
                sent_at__isnull=False,
            )
            .first()
        )
        if invite is None:
            raise NotFoundError
        return invite
