"""The pages that everybody may read."""

from django.urls import path

from reporting import views

app_name = "reporting"
urlpatterns = [path("<str:code>/", views.status, name="status")]
