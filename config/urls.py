"""Every path of the product."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path
from django.views.generic import TemplateView
from django.views.i18n import set_language

from config import health, metrics

urlpatterns = [
    path("", TemplateView.as_view(template_name="home.html"), name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("login/", auth_views.LoginView.as_view(), name="login"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path(
        "password/",
        auth_views.PasswordChangeView.as_view(template_name="registration/password.html"),
        name="password_change",
    ),
    path(
        "password/changed/",
        auth_views.PasswordChangeDoneView.as_view(
            template_name="registration/password.html", extra_context={"changed": True}
        ),
        name="password_change_done",
    ),
    path("language/", set_language, name="set_language"),
    path("tenants/", include("tenants.urls")),
    path("api/client/v1/", include("conversations.api.urls")),
    path("api/v1/", include("reporting.api.urls")),
    path("status/", include("reporting.urls")),
    path("", include("conversations.urls")),
]
