"""Pages of visitors and agents, and the console's API."""

from django.urls import path

from conversations import views
from conversations.api import console

app_name = "conversations"

urlpatterns = [
    path("widget/v1/loader.js", views.loader, name="widget-loader"),
    path("widget/v1/boot", views.boot, name="widget-boot"),
    path("widget/v1/frame", views.frame, name="widget-frame"),
    path("demo/", views.demo, name="demo"),
    path("console/", views.console_page, name="console"),
    path("console/api/me", console.MeView.as_view(), name="console-me"),
    path("console/api/presence", console.PresenceView.as_view(), name="console-presence"),
    path(
        "console/api/conversations",
        console.ConversationListView.as_view(),
        name="console-conversations",
    ),
    path(
        "console/api/conversations/<str:pk>",
        console.ConversationDetailView.as_view(),
        name="console-conversation",
    ),
    path(
        "console/api/conversations/<str:pk>/messages",
        console.MessageListView.as_view(),
        name="console-messages",
    ),
    path(
        "console/api/conversations/<str:pk>/notes",
        console.NoteListView.as_view(),
        name="console-notes",
    ),
    path(
        "console/api/conversations/<str:pk>/take", console.TakeView.as_view(), name="console-take"
    ),
    path(
        "console/api/conversations/<str:pk>/return",
        console.ReturnView.as_view(),
        name="console-return",
    ),
    path(
        "console/api/conversations/<str:pk>/close",
        console.CloseView.as_view(),
        name="console-close",
    ),
    path(
        "console/api/conversations/<str:pk>/read", console.ReadView.as_view(), name="console-read"
    ),
    path(
        "console/api/conversations/<str:pk>/typing",
        console.TypingView.as_view(),
        name="console-typing",
    ),
]
