"""Paths of the client API."""

from django.urls import path, re_path

from conversations.api import surveys, tickets, uploads, views

app_name = "client"

urlpatterns = [
    path("sessions", views.SessionsView.as_view(), name="session-create"),
    path("sessions/refresh", views.RefreshView.as_view(), name="session-refresh"),
    path("sessions/identify", views.IdentifyView.as_view(), name="session-identify"),
    path("sessions/current", views.CurrentSessionView.as_view(), name="session-delete"),
    path("notices/accept", views.NoticeView.as_view(), name="notice-accept"),
    path("config", views.ConfigView.as_view(), name="config"),
    path("attachments", uploads.AttachmentsView.as_view(), name="attachment-create"),
    path("conversations", views.ConversationsView.as_view(), name="conversation-list"),
    path("conversations/<str:pk>", views.ConversationView.as_view(), name="conversation-detail"),
    path("conversations/<str:pk>/messages", views.MessagesView.as_view(), name="message-list"),
    path("conversations/<str:pk>/read", views.ReadView.as_view(), name="conversation-read"),
    path("conversations/<str:pk>/typing", views.TypingView.as_view(), name="conversation-typing"),
    path(
        "conversations/<str:pk>/handoff", views.HandoffView.as_view(), name="conversation-handoff"
    ),
    path("conversations/<str:pk>/resume", views.ResumeView.as_view(), name="conversation-resume"),
    path("conversations/<str:pk>/close", views.CloseView.as_view(), name="conversation-close"),
    path("messages/<str:pk>/feedback", views.FeedbackView.as_view(), name="message-feedback"),
    path("surveys/<str:pk>", surveys.SurveyView.as_view(), name="survey"),
    path("tickets", tickets.TicketsView.as_view(), name="ticket-list"),
    path("tickets/<str:pk>", tickets.TicketView.as_view(), name="ticket-detail"),
    path("tickets/<str:pk>/comments", tickets.CommentsView.as_view(), name="ticket-comments"),
    re_path(r"^.*$", views.MissingView.as_view(), name="missing"),
]
