"""Who gets what: every URL, for every role, with an own, a foreign and a missing id.

Not yours and not there are one answer: same status, same body. A URL that stands in no table here
fails the test, and so does an admin page that nobody decided about.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.messages import get_messages
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from import_export.formats.base_formats import XLSX

from config.admin_site import YingdaAdminSite
from conversations.services import contacts
from knowledge.models import Entry
from tenants import clock
from tenants.actors import SESSION_TENANT
from tenants.ids import new_id
from tenants.models import Tenant, User
from tenants.roles import Role
from tenants.scoping import TenantModel, tenant_scope
from tests.world import World, admit, furnish, leave, write

# The columns of the tables. "-" is somebody who is not signed in.
CALLERS = {
    "-": "",
    "M": Role.ACCOUNT_MANAGER,
    "C": Role.CLIENT_ADMIN,
    "E": Role.KNOWLEDGE_EDITOR,
    "S": Role.SUPERVISOR,
    "A": Role.AGENT,
    "R": Role.CLIENT_READONLY,
    "O": "operator",
}
OWN, FOREIGN, MISSING, MALFORMED = "own", "foreign", "missing", "malformed"
ELSEWHERE = (FOREIGN, MISSING, MALFORMED)
# Answers that say who may come in, before it matters what is asked for.
AT_THE_DOOR = (302, 401, 403)

# Pages and the console's API. Of a row with an id, this is what the own one gives.
TABLE = """
                                                           -    M    C    E    S    A    R    O
GET    /                                                 200  200  200  200  200  200  200  200
GET    /healthz                                          200  200  200  200  200  200  200  200
GET    /readyz                                           200  200  200  200  200  200  200  200
GET    /metrics                                          404  404  404  404  404  404  404  404
GET    /login/                                           200  200  200  200  200  200  200  200
POST   /login/                                           200  200  200  200  200  200  200  200
POST   /logout/                                          302  302  302  302  302  302  302  302
GET    /password/                                        302  200  200  200  200  200  200  200
POST   /password/                                        302  200  200  200  200  200  200  200
GET    /password/changed/                                302  200  200  200  200  200  200  200
POST   /language/                                        302  302  302  302  302  302  302  302
GET    /tenants/switch/                                  302  200  200  200  200  200  200  200
POST   /tenants/switch/                                  302  200  200  200  200  200  200  200
GET    /tenants/bell/                                    401  200  200  200  200  200  200  200
POST   /tenants/bell/read/                               401  200  200  200  200  200  200  200
POST   /tenants/bell/acknowledge/                        401  200  200  200  200  200  200  200
GET    /widget/v1/loader.js                              200  200  200  200  200  200  200  200
POST   /widget/v1/boot                                   404  404  404  404  404  404  404  404
POST   /widget/v1/invitation                             404  404  404  404  404  404  404  404
GET    /widget/v1/frame                                  404  404  404  404  404  404  404  404
GET    /s/<str:token>/                                   404  404  404  404  404  404  404  404
POST   /s/<str:token>/                                   404  404  404  404  404  404  404  404
GET    /files/<str:token>/<str:name>                     404  404  404  404  404  404  404  404
POST   /api/v1/probes/                                   401  401  401  401  401  401  401  401
GET    /status/<str:code>/                               404  404  404  404  404  404  404  404
GET    /demo/                                            404  404  404  404  404  404  404  404
GET    /console/                                         302  403  200  403  200  200  403  200
GET    /console/api/me                                   401  403  200  403  200  200  403  200
GET    /console/api/notices                              401  403  200  403  200  200  403  200
POST   /console/api/presence                             401  403  422  403  422  422  403  403
GET    /console/api/conversations                        401  403  200  403  200  200  403  200
GET    /console/api/conversations/<str:pk>               401  403  200  403  200  200  403  200
GET    /console/api/conversations/<str:pk>/messages      401  403  200  403  200  200  403  200
POST   /console/api/conversations/<str:pk>/messages      401  403  422  403  422  422  403  403
POST   /console/api/conversations/<str:pk>/attachments   401  403  415  403  415  415  403  403
POST   /console/api/conversations/<str:pk>/withdraw      401  403  422  403  422  422  403  403
POST   /console/api/conversations/<str:pk>/notes         401  403  422  403  422  422  403  403
POST   /console/api/conversations/<str:pk>/take          401  403  200  403  200  200  403  403
POST   /console/api/conversations/<str:pk>/decline       401  403  200  403  200  200  403  403
POST   /console/api/conversations/<str:pk>/transfer      401  403  422  403  422  422  403  403
POST   /console/api/conversations/<str:pk>/reassign      401  403  422  403  422  403  403  403
POST   /console/api/conversations/<str:pk>/take-over     401  403  200  403  200  403  403  403
GET    /console/api/board                                401  403  200  403  200  403  403  200
GET    /console/api/transfer-targets                     401  403  200  403  200  200  403  403
POST   /console/api/conversations/<str:pk>/return        401  403  409  403  409  409  403  403
POST   /console/api/conversations/<str:pk>/close         401  403  200  403  200  200  403  403
POST   /console/api/conversations/<str:pk>/read          401  403  204  403  204  204  403  403
POST   /console/api/conversations/<str:pk>/typing        401  403  204  403  204  204  403  403
GET    /console/api/desk                                 401  403  200  403  200  200  403  200
GET    /console/api/mentions                             401  403  200  403  200  200  403  403
POST   /console/api/mentions                             401  403  200  403  200  200  403  403
GET    /console/api/search                               401  403  200  403  200  200  403  200
GET    /console/api/knowledge                            401  403  200  403  200  200  403  200
POST   /console/api/canned                               401  403  422  403  422  422  403  403
POST   /console/api/canned/remove                        401  403  422  403  422  422  403  403
POST   /console/api/canned/use                           401  403  422  403  422  422  403  403
POST   /console/api/bulk/close                           401  403  422  403  422  422  403  403
GET    /console/api/conversations/<str:pk>/canned        401  403  200  403  200  200  403  403
GET    /console/api/conversations/<str:pk>/suggestion    401  403  200  403  200  200  403  403
POST   /console/api/conversations/<str:pk>/suggestion    401  403  422  403  422  422  403  403
POST   /console/api/conversations/<str:pk>/wrap-up       401  403  422  403  422  422  403  403
POST   /console/api/conversations/<str:pk>/snooze        401  403  422  403  422  422  403  403
GET    /console/api/conversations/<str:pk>/ticket-draft  401  403  200  403  200  200  403  200
GET    /console/api/tickets                              401  403  200  403  200  200  403  200
POST   /console/api/tickets                              401  403  422  403  422  422  403  403
GET    /console/api/tickets/choices                      401  403  200  403  200  200  403  200
GET    /console/api/tickets/<str:pk>                     401  403  200  403  200  200  403  200
POST   /console/api/tickets/<str:pk>/comments            401  403  422  403  422  422  403  403
POST   /console/api/tickets/<str:pk>/status              401  403  422  403  422  422  403  403
POST   /console/api/tickets/<str:pk>/assignee            401  403  422  403  422  422  403  403
POST   /console/api/tickets/<str:pk>/priority            401  403  422  403  422  422  403  403
POST   /console/api/tickets/<str:pk>/merge               401  403  422  403  422  422  403  403
GET    /tickets/<str:channel_key>/                       404  404  404  404  404  404  404  404
POST   /tickets/<str:channel_key>/                       404  404  404  404  404  404  404  404
POST   /hooks/handoff/<str:key>/events                   404  404  404  404  404  404  404  404
POST   /hooks/handoff/<str:key>/<str:pk>/ack             404  404  404  404  404  404  404  404
POST   /hooks/handoff/<str:key>/<str:pk>/messages        404  404  404  404  404  404  404  404
POST   /hooks/handoff/<str:key>/<str:pk>/close           404  404  404  404  404  404  404  404
GET    /hooks/handoff/<str:key>/<str:pk>/transcript      404  404  404  404  404  404  404  404
GET    /console/api/tags                                 401  403  200  403  200  200  403  200
GET    /console/api/contacts                             401  403  200  403  200  200  403  200
GET    /console/api/contacts/<str:pk>                    401  403  200  403  200  200  403  200
POST   /console/api/contacts/<str:pk>                    401  403  422  403  422  422  403  403
POST   /console/api/contacts/<str:pk>/tags               401  403  422  403  422  422  403  403
POST   /console/api/contacts/<str:pk>/notes              401  403  422  403  422  422  403  403
GET    /console/api/contacts/<str:pk>/timeline           401  403  200  403  200  200  403  200
POST   /console/api/contacts/<str:pk>/block              401  403  422  403  422  422  403  403
POST   /console/api/contacts/<str:pk>/unblock            401  403  422  403  422  422  403  403
POST   /console/api/contacts/<str:pk>/merge              401  403  422  403  422  403  403  403
POST   /console/api/contacts/<str:pk>/unmerge            401  403  422  403  422  403  403  403
GET    /admin/                                           302  200  200  200  200  302  200  200
GET    /admin/search/                                    302  404  404  404  404  302  404  404
GET    /admin/login/                                     302  302  302  302  302  302  302  302
POST   /admin/logout/                                    302  302  302  302  302  302  302  302
GET    /admin/password_change/                           302  200  200  200  200  302  200  200
GET    /admin/password_change/done/                      302  200  200  200  200  302  200  200
GET    /admin/autocomplete/                              302  403  403  403  403  302  403  403
GET    /admin/jsi18n/                                    302  200  200  200  200  302  200  200
GET    /admin/knowledge/entry/try/                       302  200  200  200  200  302  200  200
GET    /admin/portfolio/                                 302  200  200  200  200  302  200  200
"""
# Visitors hold tokens, not roles: with the token of the row's contact, and with none that counts.
VISITORS = """
                                                        token none
POST   /api/client/v1/sessions                            422  422
POST   /api/client/v1/sessions/refresh                    422  422
POST   /api/client/v1/sessions/identify                   422  401
DELETE /api/client/v1/sessions/current                    204  401
POST   /api/client/v1/notices/accept                      204  401
GET    /api/client/v1/config                              200  401
POST   /api/client/v1/attachments                         415  401
GET    /api/client/v1/conversations                       200  401
POST   /api/client/v1/conversations                       201  401
GET    /api/client/v1/conversations/<str:pk>              200  401
GET    /api/client/v1/conversations/<str:pk>/messages     200  401
POST   /api/client/v1/conversations/<str:pk>/messages     201  401
POST   /api/client/v1/conversations/<str:pk>/read         204  401
POST   /api/client/v1/conversations/<str:pk>/typing       204  401
POST   /api/client/v1/conversations/<str:pk>/handoff      200  401
POST   /api/client/v1/conversations/<str:pk>/resume       200  401
POST   /api/client/v1/conversations/<str:pk>/close        200  401
POST   /api/client/v1/messages/<str:pk>/feedback          204  401
POST   /api/client/v1/surveys/<str:pk>                    200  401
GET    /api/client/v1/tickets                             200  401
POST   /api/client/v1/tickets                             201  401
GET    /api/client/v1/tickets/<str:pk>                    200  401
POST   /api/client/v1/tickets/<str:pk>/comments           201  401
"""
BODIES = {
    "accept": {"version": 1},
    "messages": {"client_msg_id": "m-1", "text": "还在吗？"},
    "read": {"up_to_seq": 1},
    "typing": {"on": True},
    "feedback": {"helpful": True},
    "<str:pk>": {"part": "bot", "score": 80},
    "tickets": {"client_id": "t-1", "text": "请回电", "phone": "13800138000"},
    "comments": {"client_id": "k-1", "text": "还在吗？"},
}
CLIENT_API = "api/client/v1/"

# Who may do what to the rows of a model; whoever may nothing gets nothing.
ADMIN: dict[str, dict[str, str]] = {
    "knowledge.category": {"view": "MCESRO", "add": "MCEO", "change": "MCEO", "delete": "MCEO"},
    "knowledge.entry": {"view": "MCESRO", "add": "MCEO", "change": "MCEO", "publish": "MCEO"},
    "knowledge.release": {"view": "MCESRO", "publish": "MCEO"},
    "knowledge.entryversion": {"view": "MCESRO"},
    "knowledge.proposal": {"view": "MCESRO", "change": "MCEO"},
    "knowledge.goldenquestion": {
        "view": "MCESRO",
        "add": "MCEO",
        "change": "MCEO",
        "delete": "MCEO",
    },
    "knowledge.matchingsettings": {"view": "MCESRO", "change": "MCEO"},
    "conversations.channel": {"view": "MCSRO", "add": "MCO", "change": "MCO"},
    "conversations.topicphrase": {"view": "MCSRO", "add": "MCO", "change": "MCO"},
    "conversations.cannedreply": {
        "view": "MCSRO",
        "add": "MCSO",
        "change": "MCSO",
        "delete": "MCSO",
    },
    "conversations.wrapup": {"view": "MCSRO"},
    "conversations.wrapupcategory": {"view": "MCSRO", "add": "MCSO", "change": "MCSO"},
    "conversations.desksettings": {"view": "MCSRO", "change": "MCSO"},
    "conversations.agentgroup": {"view": "MCSRO", "add": "MCSO", "change": "MCSO"},
    "conversations.inquiry": {"view": "MCSRO"},
    "conversations.attachment": {"view": "MCSRO"},
    "conversations.contact": {"view": "MCSRO", "edit": "CS", "block": "CS", "request": "C"},
    "conversations.tag": {"view": "MCSRO", "add": "CS", "change": "CS"},
    "conversations.blockentry": {"view": "MCSRO", "add": "CS", "lift": "CS"},
    "conversations.contactmerge": {"view": "MCSRO", "undo": "CS"},
    "conversations.subjectrequest": {"view": "MCO", "add": "C", "handle": "C"},
    "conversations.consent": {"view": "MCSRO"},
    "conversations.conversation": {"view": "MCSRO"},
    "conversations.message": {"view": "MCSRO"},
    "conversations.handoff": {"view": "MCSRO"},
    "conversations.handofftarget": {"view": "MCSRO", "add": "MCO", "change": "MCO"},
    "conversations.handoffdelivery": {"view": "MCSRO", "repeat": "MCO"},
    "conversations.mismatchreport": {"view": "MCSRO", "add": "MO", "change": "MO"},
    "conversations.botdecision": {"view": "MCSRO"},
    "conversations.surveyterms": {"view": "MCSRO", "add": "MCO"},
    "conversations.surveymonth": {"view": "MCSRO"},
    "conversations.surveyinvite": {"view": "MCSRO"},
    "conversations.rating": {"view": "MCSRO", "correct": "MCO"},
    "conversations.ratingcorrection": {"view": "MCSRO", "decide": "MCO"},
    "conversations.qarubric": {"view": "MCSRO", "add": "MCO"},
    "conversations.qasample": {"view": "MCSRO", "add": "MCO"},
    "conversations.qaitem": {"view": "MCSRO", "rate": "MCSO"},
    "conversations.ticket": {"view": "MCSRO", "add": "CS", "change": "CS"},
    "conversations.ticketcategory": {"view": "MCSRO", "add": "MCSO", "change": "MCSO"},
    "conversations.ticketnotice": {"view": "MCSRO"},
    "conversations.rule": {"view": "MCSRO", "add": "MCO", "change": "MCO", "delete": "MCO"},
    "conversations.rulerun": {"view": "MCSRO"},
    "conversations.servicetimes": {"view": "MCSRO", "change": "MCO"},
    "conversations.invitation": {"view": "MCSRO", "add": "MCO", "change": "MCO", "delete": "MCO"},
    "conversations.webhookendpoint": {
        "view": "MCSRO",
        "add": "MCO",
        "change": "MCO",
        "delete": "MCO",
    },
    "conversations.webhookdelivery": {"view": "MCSRO", "replay": "MCO"},
    "reporting.dailyfigure": {"view": "MCSRO"},
    "reporting.commonquestioncatalogue": {"view": "MCSRO", "add": "MO", "change": "MO"},
    "reporting.question": {"view": "MCSRO", "label": "MCO"},
    "reporting.questionlabel": {"view": "MCSRO"},
    "reporting.labelreview": {"view": "MCSRO", "draw": "MCO", "review": "MCO"},
    "reporting.labelreviewitem": {"view": "MCSRO"},
    "reporting.accuracyaudit": {"view": "MCSRO", "draw": "MO", "check": "MO"},
    "reporting.accuracyaudititem": {"view": "MCSRO"},
    "reporting.report": {"view": "MCSRO", "approve": "MO", "correct": "MO", "answer": "C"},
    "reporting.reportdue": {"view": "MCSRO"},
    "reporting.reportrecipient": {"view": "MCSRO", "add": "MO", "change": "MO"},
    "reporting.reportdelivery": {"view": "MCSRO", "resend": "MO"},
    "reporting.downinterval": {"view": "MCSRO", "claim": "MO"},
    "reporting.exclusionclaim": {"view": "MCSRO", "decide": "C"},
    "reporting.claimfile": {"view": "MCSRO"},
    "reporting.incident": {"view": "MCSRO", "add": "MO", "handle": "MO", "people": "MC"},
    "reporting.maintenancewindow": {"view": "MCSRO", "add": "MO", "handle": "MO"},
    "reporting.availabilitysettings": {"view": "MCSRO", "change": "MCO"},
    "reporting.rectificationplan": {"view": "MCSRO", "write": "MO", "decide": "C"},
    "reporting.prober": {"view": "O", "change": "O"},
    "tenants.contract": {"view": "MCRO", "add": "MO", "change": "MO"},
    "tenants.contractterms": {"view": "MCRO", "add": "MO", "change": "MO"},
    "tenants.approval": {"view": "MCRO", "sign": "MCO"},
    "tenants.calendaryear": {"view": "O", "add": "O", "change": "O"},
    "tenants.obligation": {"view": "MCSRO"},
    "tenants.breach": {"view": "MCSRO"},
    "tenants.ledgerentry": {"view": "MCSRO"},
    "tenants.notification": {"view": "MCSRO"},
    "tenants.notificationdelivery": {"view": "MCSRO"},
    "tenants.notificationsettings": {"view": "MCSRO", "change": "MCO"},
    "tenants.alertrobot": {"view": "MCSRO", "add": "MCO", "change": "MCO"},
    "tenants.membership": {"view": "MCSRO", "add": "MCO", "change": "MCO"},
    "tenants.subprocessor": {"view": "MCSRO", "add": "MO", "change": "MO", "approve": "C"},
    "tenants.tenant": {"view": "O", "add": "O", "change": "O"},
    "tenants.user": {"view": "O", "add": "O", "change": "O"},
}
# What packages bring along: where such pages are there at all, nobody may enter.
NOBODYS = {"auth.group", "axes.accessattempt", "axes.accessfailurelog", "axes.accesslog"}
# Pages that Django's admin does not have: what one must be allowed, and what the own row gives.
ADMIN_EXTRA = {
    "knowledge.entry publish/": ("publish", 200),
    "knowledge.entry import/": ("add", 200),
    "knowledge.entry export.xlsx/": ("view", 200),
    "knowledge.entry export.csv/": ("view", 200),
    "knowledge.release <path:object_id>/activate/": ("publish", 200),
    "knowledge.goldenquestion try/": ("change", 302),
    "knowledge.proposal upkeep/": ("view", 200),
    "knowledge.proposal <path:object_id>/accept/": ("change", 200),
    "knowledge.proposal <path:object_id>/dismiss/": ("change", 200),
    "knowledge.proposal <path:object_id>/new-entry/": ("change", 302),
    "conversations.channel <path:object_id>/secret/": ("change", 200),
    "conversations.rating <path:object_id>/correct/": ("correct", 200),
    "conversations.ratingcorrection <path:object_id>/approve/": ("decide", 200),
    "conversations.ratingcorrection <path:object_id>/refuse/": ("decide", 200),
    "conversations.qaitem <path:object_id>/rate/": ("rate", 200),
    "conversations.handofftarget <path:object_id>/ping/": ("change", 200),
    "conversations.handofftarget <path:object_id>/secrets/": ("change", 200),
    "conversations.handoffdelivery <path:object_id>/repeat/": ("repeat", 200),
    "conversations.contact <path:object_id>/edit/": ("edit", 200),
    "conversations.contact <path:object_id>/block/": ("block", 200),
    "conversations.contact <path:object_id>/request/": ("request", 302),
    "conversations.tag figures.csv/": ("view", 200),
    "conversations.blockentry <path:object_id>/lift/": ("lift", 200),
    "conversations.contactmerge <path:object_id>/undo/": ("undo", 200),
    "conversations.subjectrequest <path:object_id>/export/": ("handle", 200),
    "conversations.subjectrequest <path:object_id>/erase/": ("handle", 200),
    "conversations.subjectrequest <path:object_id>/complete/": ("handle", 200),
    "conversations.subjectrequest <path:object_id>/refuse/": ("handle", 200),
    "conversations.rule <path:object_id>/try/": ("view", 200),
    "conversations.webhookendpoint <path:object_id>/ping/": ("change", 200),
    "conversations.webhookendpoint <path:object_id>/secret/": ("change", 200),
    "conversations.webhookdelivery <path:object_id>/replay/": ("replay", 200),
    "tenants.alertrobot <path:object_id>/ring/": ("change", 200),
    "reporting.question review/": ("label", 200),
    "reporting.labelreview draw/": ("draw", 200),
    "reporting.labelreview <path:object_id>/review/": ("review", 200),
    "reporting.labelreview <path:object_id>/leave/": ("review", 200),
    "reporting.accuracyaudit draw/": ("draw", 200),
    "reporting.accuracyaudit <path:object_id>/check/": ("check", 200),
    "reporting.report <path:object_id>/read/": ("view", 200),
    "reporting.report <path:object_id>/approve/": ("approve", 200),
    "reporting.report <path:object_id>/send/": ("approve", 200),
    "reporting.report <path:object_id>/correct/": ("correct", 200),
    "reporting.report <path:object_id>/answer/": ("answer", 200),
    "reporting.report <path:object_id>/pdf/": ("view", 200),
    "reporting.report <path:object_id>/xlsx/": ("view", 200),
    "reporting.report <path:object_id>/evidence/": ("view", 200),
    "reporting.reportdelivery <path:object_id>/resend/": ("resend", 200),
    "reporting.commonquestioncatalogue <path:object_id>/submit/": ("change", 200),
    "reporting.commonquestioncatalogue <path:object_id>/next/": ("change", 200),
    "reporting.downinterval <path:object_id>/claim/": ("claim", 200),
    "reporting.exclusionclaim <path:object_id>/accept/": ("decide", 200),
    "reporting.exclusionclaim <path:object_id>/reject/": ("decide", 200),
    "reporting.claimfile <path:object_id>/download/": ("view", 200),
    "reporting.incident <path:object_id>/acknowledge/": ("handle", 200),
    "reporting.incident <path:object_id>/tell/": ("handle", 200),
    "reporting.incident <path:object_id>/restore/": ("handle", 200),
    "reporting.incident <path:object_id>/explain/": ("handle", 200),
    "reporting.incident <path:object_id>/authority/": ("handle", 200),
    "reporting.incident <path:object_id>/people/": ("people", 200),
    "reporting.rectificationplan <path:object_id>/submit/": ("write", 200),
    "reporting.rectificationplan <path:object_id>/accept/": ("decide", 200),
    "reporting.rectificationplan <path:object_id>/return/": ("decide", 200),
    "reporting.rectificationplan <path:object_id>/close/": ("decide", 200),
    "reporting.maintenancewindow <path:object_id>/cancel/": ("handle", 200),
    "tenants.contractterms <path:object_id>/request/": ("change", 200),
    "tenants.contractterms <path:object_id>/next/": ("change", 200),
    "tenants.approval <path:object_id>/sign/": ("sign", 200),
    "tenants.approval <path:object_id>/refuse/": ("sign", 200),
    "tenants.subprocessor <path:object_id>/approve/": ("approve", 200),
    "tenants.subprocessor <path:object_id>/withdraw/": ("approve", 200),
    "tenants.user <path:object_id>/password/": ("change", 200),
}
# A tenant has one row of these: their list leads to it.
SINGLE = {
    "conversations.desksettings",
    "conversations.servicetimes",
    "knowledge.matchingsettings",
    "reporting.availabilitysettings",
    "tenants.notificationsettings",
}
# The tables of the installation have no tenant: an operator sees all of them.
GLOBAL = {"reporting.prober", "tenants.calendaryear", "tenants.tenant", "tenants.user"}
ADMIN_CALLERS = "MCESRO"
# How a foreign row is told from a missing one, on each page, does not hang on the role beyond what
# it may do.
THOROUGH = "CO"

# Whose pages are drawn; the others' answers alone are looked at.
DRAWN = "CMO"

Sign = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _lean(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    # A menu of seventy entries stands on each page: it is read with the client's.
    if request.node.name != "test_admin_pages[C]":
        monkeypatch.setattr(YingdaAdminSite, "get_sidebar_list", lambda _site, _request: [])
    # Nobody here asks which templates made a page.
    monkeypatch.setattr("django.test.client.store_rendered_templates", lambda *_args, **_more: None)


@pytest.fixture
def own(tenant: Tenant) -> World:
    return furnish(tenant, "甲方")


@pytest.fixture
def other(other_tenant: Tenant) -> World:
    return furnish(other_tenant, "乙方机密")


@pytest.fixture
def client_of(own: World, operator: User, client_as: Sign) -> Callable[[str], Client]:
    """A browser in which the caller of a column is signed in, in the own tenant."""

    def sign_in(letter: str) -> Client:
        client = Client(raise_request_exception=False)
        if letter == "-":
            return client
        client.cookies = client_as(
            operator if letter == "O" else own.people[CALLERS[letter]]
        ).cookies
        session = client.session
        session[SESSION_TENANT] = own.tenant.pk
        session.save()
        return client

    return sign_in


@contextmanager
def undone() -> Iterator[None]:
    """Take back whatever the block writes."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def table(text: str) -> list[tuple[str, str, dict[str, int]]]:
    """Return (method, path, status by column) of each line."""
    head, *lines = text.strip("\n").splitlines()
    rows = []
    for line in lines:
        method, path, *statuses = line.split()
        rows.append((method, path, dict(zip(head.split(), map(int, statuses), strict=True))))
    return rows


def routes(resolver: URLResolver | None = None, prefix: str = "") -> list[str]:
    found = []
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            found.append(route)
        else:
            found += routes(pattern, route)
    return found


def admin_routes() -> dict[str, tuple[str, str]]:
    """Every page of every registered model: route -> (model, what follows its list's path)."""
    found = {}
    for model, model_admin in admin.site._registry.items():
        meta = model._meta
        for pattern in model_admin.urls:
            tail = str(pattern.pattern)
            found[f"admin/{meta.app_label}/{meta.model_name}/{tail}"] = (meta.label_lower, tail)
    return found


def ask(client: Client, method: str, path: str, body: Any = None) -> Any:
    cookies = copy.deepcopy(client.cookies)
    api = path.startswith(("/console/api/", "/tenants/bell/", f"/{CLIENT_API}"))
    try:
        with undone():
            if method == "GET":
                return client.get(path)
            return client.generic(
                method,
                path,
                json.dumps(body or {}) if api else "",
                content_type="application/json" if api else "application/x-www-form-urlencoded",
            )
    finally:
        client.cookies = cookies


def shown(response: Any) -> str:
    return str(response.getvalue().decode(errors="replace"))


def post(client: Client, path: str, data: dict[str, Any]) -> Any:
    """Send a form; what it writes stays, what it says is forgotten."""
    cookies = copy.deepcopy(client.cookies)
    try:
        return client.post(path, data)
    finally:
        client.cookies = cookies


def label_of(path: str) -> str:
    """Return the model whose ids stand in the paths of the console's API."""
    others = {"/contacts/": "contact", "/tickets/": "ticket"}
    named = (label for part, label in others.items() if part in path)
    return f"conversations.{next(named, 'conversation')}"


def said(response: Any, pk: object = "<id>") -> str:
    """Return all that an answer tells, without the id that was asked for and what is random."""
    headers = [response.get(name) for name in ("Location", "Content-Type", "Allow")]
    notes = [str(note) for note in get_messages(response.wsgi_request)]
    text = f"{response.status_code} {headers} {notes} {shown(response)}".replace(str(pk), "<id>")
    text = re.sub(r'"request_id":"[0-9a-f]{32}"', "", text)
    text = re.sub(r'name="once" value="[0-9a-f]{32}"', "", text)
    return re.sub(r'"[A-Za-z0-9]{64}"', '"<CSRF token>"', text)


def address(path: str, pk: object) -> str:
    return re.sub(
        r"<path:content_type_id>", "1", re.sub(r"<(str|path):(pk|object_id)>", str(pk), path)
    )


def test_no_url_is_missing_from_the_tables() -> None:
    listed = {path.removeprefix("/") for _method, path, _statuses in table(TABLE)}
    listed |= {path.removeprefix("/") for _method, path, _statuses in table(VISITORS)}
    # Not pages but nets: an app's list of models, and everything that is no page.
    nets = {route for route in routes() if route.startswith("admin/") and "(?P<" in route}
    nets |= {f"{CLIENT_API}^.*$"}

    assert len(nets) == 3
    assert set(routes()) - admin_routes().keys() - nets == listed


def test_no_admin_page_is_missing_from_the_tables() -> None:
    ordinary = {"", "add/", "<path:object_id>/"}
    ordinary |= {f"<path:object_id>/{page}/" for page in ("change", "history", "delete")}
    extra = {f"{label} {tail}" for label, tail in admin_routes().values() if tail not in ordinary}

    assert {label for label, _tail in admin_routes().values()} - NOBODYS == set(ADMIN)
    assert extra == set(ADMIN_EXTRA)


@pytest.mark.parametrize("letter", CALLERS)
def test_pages_and_console(
    own: World, other: World, client_of: Callable[[str], Client], letter: str
) -> None:
    client = client_of(letter)
    wrong = []

    for method, path, statuses in table(TABLE):
        label = f"conversations.{'ticket' if '/tickets/<' in path else 'conversation'}"
        ids = {OWN: own.pk(label), FOREIGN: other.pk(label), MISSING: new_id(), MALFORMED: "no-id"}
        label = label_of(path)
        ids = {OWN: own.pk(label), FOREIGN: other.pk(label), MISSING: new_id(), MALFORMED: "no-id"}
        expected = statuses[letter]
        answers = {
            which: ask(client, method, address(path, pk))
            for which, pk in ids.items()
            if which == OWN or "<" in path
        }
        got = {which: answer.status_code for which, answer in answers.items()}
        away = expected if expected in AT_THE_DOOR else 404
        if got != {which: expected if which == OWN else away for which in got}:
            wrong.append((method, path, expected, got))
        told = {said(answer, ids[which]) for which, answer in answers.items() if which != OWN}
        if len(told) > 1:
            wrong.append((method, path, "tells foreign from missing"))
        if any(other.mark in shown(answer) for answer in answers.values()):
            wrong.append((method, path, "shows what is another tenant's"))

    assert not wrong, "\n".join(map(str, wrong))


def test_other_methods_are_refused(own: World, client_of: Callable[[str], Client]) -> None:
    client = client_of("C")
    known: dict[str, set[str]] = {}
    for method, path, _statuses in table(TABLE):
        known.setdefault(path, set()).add(method)
    pages = {"/", "/login/", "/logout/", "/password/", "/language/", "/tenants/switch/"}
    wrong = []

    for path, methods in known.items():
        if path.startswith("/admin/") or path in pages:
            continue
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
            status = ask(client, method, address(path, own.pk(label_of(path)))).status_code
            if status != 405:
                wrong.append((method, path, status))

    assert not wrong, "\n".join(map(str, wrong))


def admin_status(letter: str, label: str, tail: str, which: str, *, method: str = "GET") -> int:
    """What the tables say an admin page gives."""
    rights = ADMIN.get(label, {})

    def may(right: str) -> bool:
        return letter in rights.get(right, "")

    if letter not in ADMIN_CALLERS:
        return 302
    away = which != OWN
    if tail in ("", "add/"):
        seen = 302 if label in SINGLE else 200
        return seen if may("view" if tail == "" else "add") else 403
    page = tail.removeprefix("<path:object_id>/").rstrip("/")
    if page == "":
        return 302
    if page == "history":
        # The one page that looks for the row first: then nobody learns whether it is there.
        return 302 if away or (label in GLOBAL and not may("view")) else 200 if may("view") else 403
    if page in ("change", "delete"):
        right = "view" if (page, method) == ("change", "GET") else page
        if not may(right):
            return 403
        return 302 if away else 200
    right, status = ADMIN_EXTRA[f"{label} {tail}"]
    if not may(right):
        return 403
    return 302 if away else status


@pytest.mark.parametrize("letter", CALLERS)
def test_admin_pages(
    own: World,
    other: World,
    client_of: Callable[[str], Client],
    letter: str,
    request: pytest.FixtureRequest,
) -> None:
    if letter not in DRAWN:
        request.getfixturevalue("undrawn")
    client = client_of(letter)
    wrong = []

    for route, (label, tail) in admin_routes().items():
        ids = {MISSING: 987_654, MALFORMED: "no-id"}
        if label in GLOBAL:
            ids |= {OWN: own.pk(label)}
        elif label in own.rows:
            ids |= {OWN: own.pk(label), FOREIGN: other.pk(label), MISSING: new_id()}
        if "<" not in tail:
            ids = {OWN: ""}
        elif letter not in THOROUGH and label in own.rows:
            asked = (OWN, FOREIGN) if tail.endswith("/change/") else (OWN,)
            ids = {which: pk for which, pk in ids.items() if which in asked}
        answers = {which: ask(client, "GET", address(f"/{route}", pk)) for which, pk in ids.items()}
        got = {which: answer.status_code for which, answer in answers.items()}
        expected = {which: admin_status(letter, label, tail, which) for which in got}
        if got != expected:
            wrong.append((route, expected, got))
        told = {said(answer, ids[which]) for which, answer in answers.items() if which != OWN}
        if len(told) > 1:
            wrong.append((route, "tells foreign from missing"))
        if label not in GLOBAL and any(other.mark in shown(answer) for answer in answers.values()):
            wrong.append((route, "shows what is another tenant's"))

    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("letter", ["C", "R"])
def test_foreign_rows_are_not_changed_through_the_admin(
    own: World, other: World, client_of: Callable[[str], Client], letter: str
) -> None:
    client = client_of(letter)
    before = snapshot(other.tenant)
    wrong = []

    for route, (label, tail) in admin_routes().items():
        if "<" not in tail or label not in own.rows or label in GLOBAL:
            continue
        ids = {FOREIGN: other.pk(label), MISSING: new_id()}
        answers = {
            which: post(client, address(f"/{route}", pk), {"post": "yes", "name": "夺"})
            for which, pk in ids.items()
        }
        got = {which: answer.status_code for which, answer in answers.items()}
        expected = {which: admin_status(letter, label, tail, which, method="POST") for which in got}
        if got != expected:
            wrong.append((route, expected, got))
        if len({said(answer, ids[which]) for which, answer in answers.items()}) > 1:
            wrong.append((route, "tells foreign from missing"))

    assert not wrong, "\n".join(map(str, wrong))
    assert snapshot(other.tenant) == before


def snapshot(tenant: Tenant) -> dict[str, list[Any]]:
    """Return every row of a tenant."""
    with tenant_scope(tenant):
        return {
            model._meta.label: list(model._base_manager.order_by("pk").values_list())
            for model in apps.get_models()
            if issubclass(model, TenantModel)
        }


FILTERS = {
    "knowledge.entry": "category__id__exact knowledge.category",
    "knowledge.entryversion": "release knowledge.release",
    "knowledge.proposal": "entry__category__id__exact knowledge.category",
    "conversations.conversation": "contact conversations.contact",
    "conversations.contact": "channel__id__exact conversations.channel",
    "conversations.message": "version knowledge.entryversion",
    "conversations.consent": "channel__id__exact conversations.channel",
    "conversations.qaitem": "sample__id__exact conversations.qasample",
    "conversations.ticket": "category__id__exact conversations.ticketcategory",
}
FORBIDDEN_LOOKUPS = (
    "tenant__id__exact={tenant}",
    "tenant={tenant}",
    "tenant__name__startswith={mark}",
    "category__tenant__slug={slug}",
    "channel__identity_secret__startswith=a",
    "contact__tenant__name={mark}",
    "agent__user__password__startswith=a",
    "sealed_token__startswith=a",
    "target__sealed_token__startswith=a",
    "user__password__startswith=a",
    "updated_by__password__startswith=a",
)
PAGES = (
    "/admin/",
    "/admin/knowledge/entry/try/",
    "/admin/knowledge/entry/publish/",
    "/admin/knowledge/entry/import/",
    "/admin/knowledge/entry/export.csv/",
    "/admin/knowledge/entry/add/",
    "/admin/knowledge/proposal/upkeep/",
    "/admin/conversations/channel/add/",
    "/admin/conversations/handofftarget/add/",
    "/admin/conversations/topicphrase/add/",
    "/admin/tenants/membership/add/",
    "/admin/tenants/subprocessor/",
    "/tenants/switch/",
    "/console/",
    "/console/api/me",
    "/console/api/conversations?list=all",
    "/console/api/conversations?list=queue",
    "/console/api/conversations?list=closed",
    "/console/api/conversations?list=all&q={mark}",
    "/console/api/tickets?list=all",
    "/console/api/tickets?list=all&q={mark}",
    "/console/api/tickets/choices",
    "/admin/conversations/ticket/add/",
    "/admin/conversations/ticketcategory/add/",
    "/console/api/tags",
    "/console/api/contacts",
    "/console/api/contacts?q={mark}",
    "/admin/conversations/tag/add/",
    "/admin/conversations/tag/figures.csv/",
    "/admin/conversations/blockentry/add/",
    "/admin/conversations/subjectrequest/add/?who={mark}",
)


def test_no_page_is_changed_by_what_another_tenant_has(
    own: World, other_tenant: Tenant, client_of: Callable[[str], Client]
) -> None:
    """Names, counts, figures, choices: a page that is the same with and without them holds none."""
    client = client_of("C")
    mark = "乙方机密"
    pages = [page.format(mark=mark) for page in PAGES]
    for label, rights in ADMIN.items():
        if "C" in rights["view"]:
            base = f"/admin/{label.replace('.', '/')}/"
            pages += [base, f"{base}?q={mark}", f"{base}{own.pk(label)}/change/"]

    with clock.travel(clock.now()):
        before = {page: said(ask(client, "GET", page)) for page in pages}
        furnish(other_tenant, mark)
        after = {page: said(ask(client, "GET", page)) for page in pages}

    assert [page for page in pages if before[page] != after[page]] == []


def test_lists_answer_no_question_about_another_tenant(
    own: World, other: World, client_of: Callable[[str], Client]
) -> None:
    client = client_of("C")
    wrong = []
    for label in ADMIN.keys() - GLOBAL:
        base = f"/admin/{label.replace('.', '/')}/"
        queries = [
            query.format(tenant=other.tenant.pk, slug=other.tenant.slug, mark=other.mark)
            for query in FORBIDDEN_LOOKUPS
        ]
        foreign, missing = [], []
        if label in FILTERS:
            name, of = FILTERS[label].split()
            pk, none = other.pk(of), new_id()
            foreign.append(said(ask(client, "GET", f"{base}?{name}={pk}"), pk))
            missing.append(said(ask(client, "GET", f"{base}?{name}={none}"), none))
        for query in queries:
            answer = ask(client, "GET", f"{base}?{query}")
            if answer.status_code not in (302, 400):
                wrong.append((label, query, answer.status_code))
        if foreign != missing:
            wrong.append((label, "tells foreign from missing"))
        wrong += [(label, "shows a foreign row") for text in foreign if other.mark in text]

    assert not wrong, "\n".join(map(str, wrong))


def test_actions_reach_no_foreign_row(
    own: World, other: World, client_of: Callable[[str], Client]
) -> None:
    client = client_of("C")
    before = snapshot(other.tenant)
    wrong = []

    for model, model_admin in admin.site._registry.items():
        label = model._meta.label_lower
        if label not in own.rows or label in GLOBAL:
            continue
        for action in ["delete_selected", *map(str, model_admin.actions or ())]:
            told = []
            for pk in (other.pk(label), new_id()):
                answer = post(
                    client,
                    f"/admin/{label.replace('.', '/')}/",
                    {"action": action, "_selected_action": pk, "post": "yes", "confirmed": "1"},
                )
                told.append(said(answer, pk) if "export" not in action else len(rows_of(answer)))
                if other.mark in shown(answer):
                    wrong.append((label, action, "shows a foreign row"))
            if told[0] != told[1]:
                wrong.append((label, action, told))

    assert not wrong, "\n".join(map(str, wrong))
    assert snapshot(other.tenant) == before


def rows_of(response: Any) -> list[Any]:
    """Return the rows of an exported workbook."""
    if response.status_code != 200 or "spreadsheet" not in response["Content-Type"]:
        return []
    return list(XLSX().create_dataset(response.getvalue()))


def test_autocompletion_offers_own_rows_alone(
    own: World, other: World, client_of: Callable[[str], Client]
) -> None:
    client = client_of("C")
    wrong, offered = [], 0

    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if not field.is_relation:
                continue
            where = {
                "app_label": model._meta.app_label,
                "model_name": model._meta.model_name,
                "field_name": field.name,
            }
            for term in ("", other.mark):
                answer = client.get("/admin/autocomplete/", {**where, "term": term})
                if answer.status_code == 200:
                    offered += len(answer.json()["results"])
                elif answer.status_code not in (403, 404):
                    wrong.append((where, answer.status_code))
                if other.mark in shown(answer):
                    wrong.append((where, "offers a foreign row"))

    assert not wrong, "\n".join(map(str, wrong))
    assert offered


def test_forms_take_no_foreign_key(
    own: World, other: World, client_of: Callable[[str], Client]
) -> None:
    """Source: contract T32. A foreign id in a form is "no such choice", like a missing one."""
    client = client_of("C")
    entry = {"question": "新的问", "answer": "新的答", "phrasings": "", "is_active": "on"}
    told = []

    for pk in (other.pk("knowledge.category"), new_id()):
        for path in ("add/", f"{own.pk('knowledge.entry')}/change/"):
            answer = client.post(f"/admin/knowledge/entry/{path}", {**entry, "category": pk})
            assert answer.status_code == 200
            told.append((path, str(answer.context_data["adminform"].form.errors.get_json_data())))
    mass = client.post(
        f"/admin/knowledge/entry/{own.pk('knowledge.entry')}/change/",
        {
            **entry,
            "category": own.pk("knowledge.category"),
            "tenant": other.tenant.pk,
            "tenant_id": other.tenant.pk,
            "id": other.pk("knowledge.entry"),
            "updated_by": own.people[Role.AGENT].pk,
        },
    )

    assert told[:2] == told[2:]
    assert other.mark not in str(told)
    assert mass.status_code == 302
    with tenant_scope(own.tenant):
        row = Entry.objects.get(pk=own.pk("knowledge.entry"))
        assert (row.question, row.updated_by) == ("新的问", own.people[Role.CLIENT_ADMIN])
    with tenant_scope(other.tenant):
        assert Entry.objects.get().question == f"{other.mark}问"


def test_unique_names_of_another_tenant_are_free(
    own: World, other: World, client_of: Callable[[str], Client]
) -> None:
    """A refusal would tell that somebody else has the name."""
    client = client_of("C")

    taken = client.post("/admin/knowledge/category/add/", {"name": f"{own.mark}分类"})
    free = client.post("/admin/knowledge/category/add/", {"name": f"{other.mark}分类"})

    assert (taken.status_code, free.status_code) == (200, 302)
    assert taken.context_data["adminform"].form.errors == {"__all__": ["已存在同名分类。"]}


def test_operator_without_a_tenant_sees_no_tenants_rows(
    own: World, operator: User, client_as: Sign
) -> None:
    client = client_as(operator)
    wrong = []

    for route, (label, tail) in admin_routes().items():
        pk = own.pk(label) if label in own.rows else new_id()
        answer = ask(client, "GET", address(f"/{route}", pk))
        allowed = label in GLOBAL and tail not in ("<path:object_id>/delete/",)
        # Its secret is shown once, on the command line.
        allowed = allowed and (label, tail) != ("reporting.prober", "add/")
        if answer.status_code not in ((200, 302) if allowed else (302, 403)):
            wrong.append((route, answer.status_code))
        if label not in GLOBAL and own.mark in shown(answer):
            wrong.append((route, "shows a tenant's row"))
    for path in ("/admin/", "/console/", "/console/api/me", "/admin/knowledge/entry/try/"):
        answer = ask(client, "GET", path)
        if own.mark in shown(answer):
            wrong.append((path, "shows a tenant's row"))

    assert not wrong, "\n".join(map(str, wrong))


def test_what_a_person_did_in_one_tenant_is_not_told_in_another(
    own: World, other: World, client_of: Callable[[str], Client]
) -> None:
    """Django's log of changes has no tenant."""
    client = client_of("O")
    session = client.session
    session[SESSION_TENANT] = other.tenant.pk
    session.save()
    added = post(client, "/admin/knowledge/category/add/", {"name": "别处的机密"})
    session[SESSION_TENANT] = own.tenant.pk
    session.save()

    pages = ["/admin/", "/admin/knowledge/", "/admin/knowledge/category/"]
    pages.append(f"/admin/knowledge/category/{own.pk('knowledge.category')}/history/")
    told = {page: "别处的机密" in shown(client.get(page)) for page in pages}

    assert added.status_code == 302
    assert told == dict.fromkeys(pages, False)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_visitors_api(own: World, other: World, client_of: Callable[[str], Client]) -> None:
    with tenant_scope(own.tenant):
        neighbour = admit(own.channel, "邻居机密")
        theirs = write(neighbour, "邻居机密的问题")
        ended = admit(own.channel, "走了")
        contacts.revoke(ended.session)
    conversations = {
        OWN: own.pk("conversations.conversation"),
        "neighbour": theirs.conversation_id,
        FOREIGN: other.pk("conversations.conversation"),
        MISSING: new_id(),
        MALFORMED: "no-id",
    }
    messages = {
        OWN: own.pk("conversations.message"),
        "neighbour": theirs.pk,
        FOREIGN: other.pk("conversations.message"),
        MISSING: new_id(),
        MALFORMED: "no-id",
    }
    surveys = {
        MISSING: new_id(),
        OWN: own.pk("conversations.surveyinvite"),
        FOREIGN: other.pk("conversations.surveyinvite"),
        MALFORMED: "no-id",
    }
    with tenant_scope(own.tenant):
        # The neighbour's survey was sent, too.
        asked = theirs.inquiry.invite
        asked.ended_at = asked.sent_at = asked.opens_at = asked.expires_at = clock.now()
        asked.save()
    surveys["neighbour"] = asked.pk
    # Numbers, which every tenant counts from one: the foreign one is not given in the own tenant.
    tickets = {
        OWN: own.rows["conversations.ticket"].number,
        "neighbour": leave(own.tenant, neighbour, "邻居机密的工单").number,
        FOREIGN: [leave(other.tenant, other.visitor, f"{other.mark}工单") for _ in range(2)][
            1
        ].number,
        MISSING: "T000101-0001",
        MALFORMED: "no-id",
    }
    mixed = f"{own.visitor.token.rpartition('_')[0]}_{other.visitor.token.rpartition('_')[2]}"
    nobodies = {
        "no token": Client(),
        "empty token": Client(headers=bearer("")),
        "nonsense": Client(headers=bearer("nonsense")),
        "revoked": Client(headers=bearer(ended.token)),
        "refresh token": Client(headers=bearer(own.visitor.refresh_token)),
        "channel key": Client(headers=bearer(own.channel.key)),
        "another tenant's secret": Client(headers=bearer(mixed)),
        "staff cookie": client_of("C"),
        "operator cookie": client_of("O"),
    }
    client = Client(headers=bearer(own.visitor.token))
    wrong = []

    for method, path, statuses in table(VISITORS):
        body = BODIES.get(path.rpartition("/")[2])
        ids = messages if "/messages/<" in path else conversations
        ids = surveys if "/surveys/<" in path else ids
        ids = tickets if "/tickets/<" in path else ids
        answers = {
            which: ask(client, method, address(path, pk), body)
            for which, pk in ids.items()
            if which == OWN or "<" in path
        }
        got = {which: answer.status_code for which, answer in answers.items()}
        if got != {which: statuses["token"] if which == OWN else 404 for which in got}:
            wrong.append((method, path, got))
        if len({said(answer, ids[which]) for which, answer in answers.items() if which != OWN}) > 1:
            wrong.append((method, path, "tells foreign from missing"))
        told = "".join(shown(answer) for answer in answers.values())
        if other.mark in told or "邻居机密" in told:
            wrong.append((method, path, "shows what is another's"))
        for name, nobody in nobodies.items():
            for which in (OWN, MISSING):
                status = ask(nobody, method, address(path, ids[which]), body).status_code
                if status != statuses["none"]:
                    wrong.append((method, path, name, status))

    assert not wrong, "\n".join(map(str, wrong))


def test_what_is_no_path_of_the_visitors_api_is_not_there(own: World) -> None:
    client = Client(headers=bearer(own.visitor.token))

    for path in ("", "nothing", "conversations/", "sessions/other", "../../admin/"):
        answer = ask(client, "GET", f"/{CLIENT_API}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
