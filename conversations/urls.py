"""Pages of visitors and agents, and the console's API."""

from django.urls import path

from conversations import downloads, survey_views, ticket_views, views
from conversations.api import (
    console,
    console_tickets,
    desk_paths,
    hooks,
    profiles,
    routing,
    uploads,
    wrap_ups,
)

app_name = "conversations"

urlpatterns = [
    path("widget/v1/loader.js", views.loader, name="widget-loader"),
    path("widget/v1/boot", views.boot, name="widget-boot"),
    path("widget/v1/invitation", views.invitation, name="widget-invitation"),
    path("widget/v1/frame", views.frame, name="widget-frame"),
    path("s/<str:token>/", survey_views.survey, name="survey"),
    path("files/<str:token>/<str:name>", downloads.file, name="file"),
    path("demo/", views.demo, name="demo"),
    path("console/", views.console_page, name="console"),
    path("console/api/me", console.MeView.as_view(), name="console-me"),
    path("console/api/notices", console.NoticesView.as_view(), name="console-notices"),
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
        "console/api/conversations/<str:pk>/attachments",
        uploads.DeskAttachmentsView.as_view(),
        name="console-attachments",
    ),
    path(
        "console/api/conversations/<str:pk>/withdraw",
        uploads.WithdrawView.as_view(),
        name="console-withdraw",
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
        wrap_ups.CloseView.as_view(),
        name="console-close",
    ),
    path(
        "console/api/conversations/<str:pk>/read", console.ReadView.as_view(), name="console-read"
    ),
    path("console/api/board", routing.BoardView.as_view(), name="console-board"),
    path(
        "console/api/transfer-targets",
        routing.TargetsView.as_view(),
        name="console-transfer-targets",
    ),
    path(
        "console/api/conversations/<str:pk>/decline",
        routing.DeclineView.as_view(),
        name="console-decline",
    ),
    path(
        "console/api/conversations/<str:pk>/transfer",
        routing.TransferView.as_view(),
        name="console-transfer",
    ),
    path(
        "console/api/conversations/<str:pk>/reassign",
        routing.ReassignView.as_view(),
        name="console-reassign",
    ),
    path(
        "console/api/conversations/<str:pk>/take-over",
        routing.TakeOverView.as_view(),
        name="console-take-over",
    ),
    path(
        "console/api/conversations/<str:pk>/typing",
        console.TypingView.as_view(),
        name="console-typing",
    ),
    *desk_paths.urlpatterns,
    path(
        "console/api/conversations/<str:pk>/ticket-draft",
        console_tickets.DraftView.as_view(),
        name="console-ticket-draft",
    ),
    path("console/api/tickets", console_tickets.TicketListView.as_view(), name="console-tickets"),
    path(
        "console/api/tickets/choices",
        console_tickets.ChoicesView.as_view(),
        name="console-ticket-choices",
    ),
    path(
        "console/api/tickets/<str:pk>",
        console_tickets.TicketView.as_view(),
        name="console-ticket",
    ),
    path(
        "console/api/tickets/<str:pk>/comments",
        console_tickets.CommentView.as_view(),
        name="console-ticket-comments",
    ),
    path(
        "console/api/tickets/<str:pk>/status",
        console_tickets.StatusView.as_view(),
        name="console-ticket-status",
    ),
    path(
        "console/api/tickets/<str:pk>/assignee",
        console_tickets.AssigneeView.as_view(),
        name="console-ticket-assignee",
    ),
    path(
        "console/api/tickets/<str:pk>/priority",
        console_tickets.PriorityView.as_view(),
        name="console-ticket-priority",
    ),
    path(
        "console/api/tickets/<str:pk>/merge",
        console_tickets.MergeView.as_view(),
        name="console-ticket-merge",
    ),
    path("tickets/<str:channel_key>/", ticket_views.lookup, name="ticket-lookup"),
    path("hooks/handoff/<str:key>/events", hooks.EventsView.as_view(), name="hook-events"),
    path("hooks/handoff/<str:key>/<str:pk>/ack", hooks.AckView.as_view(), name="hook-ack"),
    path(
        "hooks/handoff/<str:key>/<str:pk>/messages",
        hooks.WordsView.as_view(),
        name="hook-messages",
    ),
    path("hooks/handoff/<str:key>/<str:pk>/close", hooks.CloseView.as_view(), name="hook-close"),
    path(
        "hooks/handoff/<str:key>/<str:pk>/transcript",
        hooks.TranscriptView.as_view(),
        name="hook-transcript",
    ),
    path("console/api/tags", profiles.TagListView.as_view(), name="console-tags"),
    path("console/api/contacts", profiles.ContactSearchView.as_view(), name="console-contacts"),
    path(
        "console/api/contacts/<str:pk>",
        profiles.ContactDetailView.as_view(),
        name="console-contact",
    ),
    path(
        "console/api/contacts/<str:pk>/tags",
        profiles.ContactTagView.as_view(),
        name="console-contact-tags",
    ),
    path(
        "console/api/contacts/<str:pk>/notes",
        profiles.ContactNoteView.as_view(),
        name="console-contact-notes",
    ),
    path(
        "console/api/contacts/<str:pk>/timeline",
        profiles.ContactTimelineView.as_view(),
        name="console-contact-timeline",
    ),
    path(
        "console/api/contacts/<str:pk>/block",
        profiles.BlockView.as_view(),
        name="console-contact-block",
    ),
    path(
        "console/api/contacts/<str:pk>/unblock",
        profiles.UnblockView.as_view(),
        name="console-contact-unblock",
    ),
    path(
        "console/api/contacts/<str:pk>/merge",
        profiles.MergeView.as_view(),
        name="console-contact-merge",
    ),
    path(
        "console/api/contacts/<str:pk>/unmerge",
        profiles.UnmergeView.as_view(),
        name="console-contact-unmerge",
    ),
]
