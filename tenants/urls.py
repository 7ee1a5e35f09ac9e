"""Pages about the tenant one works in."""

from django.urls import path

from tenants import views

app_name = "tenants"

urlpatterns = [path("switch/", views.switch, name="switch")]
