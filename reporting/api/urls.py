"""The paths of what programs of ours report."""

from django.urls import path

from reporting.api.views import ProbesView

urlpatterns = [path("probes/", ProbesView.as_view(), name="probes")]
