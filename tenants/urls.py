"""Pages about the tenant one works in."""

from django.urls import path

from tenants import bell, views

app_name = "tenants"

urlpatterns = [
    path("switch/", views.switch, name="switch"),
    path("bell/", bell.lines, name="bell"),
    path("bell/read/", bell.read, name="bell-read"),
    path("bell/acknowledge/", bell.acknowledge, name="bell-acknowledge"),
]
