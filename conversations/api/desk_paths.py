"""Paths of the agent's tools, beside those of conversations."""

from django.urls import path

from conversations.api import canned, history, knowledge, mentions, wrap_ups

urlpatterns = [
    path("console/api/desk", mentions.DeskView.as_view(), name="console-desk"),
    path("console/api/mentions", mentions.MentionsView.as_view(), name="console-mentions"),
    path("console/api/search", history.SearchView.as_view(), name="console-search"),
    path("console/api/knowledge", knowledge.KnowledgeView.as_view(), name="console-knowledge"),
    path("console/api/canned", canned.OwnRepliesView.as_view(), name="console-canned"),
    path(
        "console/api/canned/remove",
        canned.RemovedReplyView.as_view(),
        name="console-canned-remove",
    ),
    path("console/api/canned/use", canned.UsedReplyView.as_view(), name="console-canned-use"),
    path("console/api/bulk/close", wrap_ups.BulkCloseView.as_view(), name="console-bulk-close"),
    path(
        "console/api/conversations/<str:pk>/canned",
        canned.FittingView.as_view(),
        name="console-conversation-canned",
    ),
    path(
        "console/api/conversations/<str:pk>/suggestion",
        knowledge.SuggestionView.as_view(),
        name="console-suggestion",
    ),
    path(
        "console/api/conversations/<str:pk>/wrap-up",
        wrap_ups.WrapUpView.as_view(),
        name="console-wrap-up",
    ),
    path(
        "console/api/conversations/<str:pk>/snooze",
        history.SnoozeView.as_view(),
        name="console-snooze",
    ),
]
