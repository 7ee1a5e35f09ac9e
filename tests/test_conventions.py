"""The house rules that can be executed."""

import ast
import importlib
import io
import pkgutil
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import flatten, flatten_fieldsets
from django.core.management import call_command
from django.db import models
from django.test import RequestFactory
from django.utils.functional import Promise

from config.checks import GLOBAL_MODELS
from tenants.actors import Actor
from tenants.admin.ledger_words import EVENTS
from tenants.models import User
from tenants.scoping import TenantModel

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("config", "reporting", "conversations", "knowledge", "tenants")
CJK = re.compile(r"[\u3400-\u9fff]")


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of ours but migrations, parsed: path -> tree."""
    paths = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
        for path in paths
        if "migrations" not in path.parts
    }


def matching(patterns: tuple[str, ...], path: str) -> bool:
    return any(Path(path).match(pattern) for pattern in patterns)


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the last word of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", "")), node


def our_models() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in PACKAGES
    ]


def test_every_model_has_a_tenant_or_is_known_to_be_global() -> None:
    without = {model._meta.label for model in our_models() if not issubclass(model, TenantModel)}

    assert without == GLOBAL_MODELS
    assert {
        "reporting.Heartbeat",
        "reporting.ProbeResult",
        "reporting.Prober",
        "tenants.CalendarDay",
        "tenants.CalendarYear",
        "tenants.Tenant",
        "tenants.User",
    } == GLOBAL_MODELS


# A scope without a tenant, SQL past the guard, the database that may see all tenants.
KERNEL = {
    "platform_scope": (
        "tenants/*.py",
        "*/tasks.py",
        "*/tasks/*.py",
        "config/*.py",
        "config/*/*.py",
    ),
    "cursor": (
        "tenants/*.py",
        "tenants/*/base.py",
        # The head of the chain, by its tenant: every transaction passes there.
        "tenants/services/ledger.py",
        # Breaches, copied from the tenant's own obligations: they may come by the ten thousand.
        "tenants/services/obligations.py",
        "config/health.py",
    ),
    "raw": (),
    "RawSQL": (),
    "extra": (),
    "_raw_delete": (),
    "set_config": (),
}


@pytest.mark.parametrize("name", KERNEL)
def test_ways_around_the_guard_are_used_in_the_kernel_alone(name: str) -> None:
    users = {
        path
        for path, tree in modules().items()
        if any(called == name for called, _node in calls(tree))
    }

    assert {path for path in users if not matching(KERNEL[name], path)} == set()


def test_platform_database_is_asked_by_the_kernel_and_by_chores_alone() -> None:
    users = {
        path
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "PLATFORM_DATABASE"
    }

    allowed = ("tenants/*.py", "*/tasks.py", "*/tasks/*.py", "config/*.py")
    assert {path for path in users if not matching(allowed, path)} == set()


# Where a column that says how far something is may be written, and whose it is.
TRANSITIONS = {
    "conversations/services/ticket_moves.py": "Ticket",
    "conversations/services/transitions.py": "Conversation and Handoff",
    "conversations/services/outbox.py": "OutboundDelivery",
    "conversations/services/deliveries.py": "WebhookDelivery",
    "conversations/services/elsewhere.py": "OutboundDelivery, acknowledged",
    "conversations/services/targets.py": "HandoffTarget",
    "knowledge/services/golden.py": "GoldenQuestion, which is tried anew each time",
    "knowledge/services/proposals.py": "Proposal",
    "conversations/services/presences.py": "Presence, which any agent sets as they like",
    "reporting/services/catalogues.py": "CommonQuestionCatalogue",
    "reporting/services/rectification.py": "RectificationPlan",
    "tenants/services/approvals.py": "Approval",
    "tenants/services/obligations.py": "Obligation",
}


def test_states_are_assigned_by_transitions_alone() -> None:
    writers = set()
    for path, tree in modules().items():
        for node in ast.walk(tree):
            targets = node.targets if isinstance(node, ast.Assign) else []
            if any(
                isinstance(target, ast.Attribute)
                and target.attr in ("status", "state")
                and getattr(target.value, "id", "") != "self"
                for target in targets
            ):
                writers.add(path)
        for called, node in calls(tree):
            if called in ("update", "update_or_create") and any(
                keyword.arg in ("status", "state") for keyword in node.keywords
            ):
                writers.add(path)

    assert writers == set(TRANSITIONS)


# How modules write an event: the class, and the helpers that make one of its kind.
EVENT_MAKERS = {"Event", "_event", "_note", "_step", "keep_seed"}


def test_every_event_of_the_ledger_has_a_name() -> None:
    kinds = {
        first.value
        for tree in modules().values()
        for called, node in calls(tree)
        if called in EVENT_MAKERS and node.args
        for first in node.args[:1]
        if isinstance(first, ast.Constant) and isinstance(first.value, str) and "." in first.value
    }

    assert len(kinds) > 100
    assert kinds - set(EVENTS) == set()


def seen_fields(model: type[models.Model]) -> set[str]:
    """Return the names of the fields whose labels the admin shows."""
    model_admin = admin.site._registry.get(model)
    if model_admin is None:
        return set()
    request = RequestFactory().get("/")
    request.actor = Actor(User(is_operator=True), None, None)  # type: ignore[attr-defined]
    names = [*model_admin.list_display, *flatten(model_admin.fields or ())]
    names += [item[0] if isinstance(item, tuple) else item for item in model_admin.list_filter]
    names += flatten_fieldsets(model_admin.get_fieldsets(request))
    return {name for name in names if isinstance(name, str)}


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_model_and_what_people_see_of_it_have_translated_names(model: type[models.Model]) -> None:
    meta = model._meta
    seen = seen_fields(model)
    plain = [
        field.name
        for field in meta.concrete_fields
        if field.name in seen and not isinstance(field.verbose_name, Promise)
    ]

    assert isinstance(meta.verbose_name, Promise)
    assert isinstance(meta.verbose_name_plural, Promise)
    assert plain == []


def choices() -> list[type[models.TextChoices]]:
    for package in PACKAGES:
        found = importlib.import_module(package)
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            if "management" not in module.name and "migrations" not in module.name:
                importlib.import_module(module.name)
    return [
        each for each in models.TextChoices.__subclasses__() if each.__module__.startswith(PACKAGES)
    ]


@pytest.mark.parametrize("enum", choices(), ids=lambda enum: enum.__name__)
def test_labels_of_choices_are_translated_late(enum: type[models.TextChoices]) -> None:
    assert [member.name for member in enum if not isinstance(member._label_, Promise)] == []


def test_apps_have_translated_names() -> None:
    names = {
        app.label: app.verbose_name
        for app in apps.get_app_configs()
        if app.label in PACKAGES and app.models_module is not None
    }

    assert [label for label, name in names.items() if not isinstance(name, Promise)] == []


# Texts in Chinese that are no interface: demonstration, lexicons, the fixed AI line, questions, and
# what a language model pretends to say.
CHINESE_PYTHON = (
    "config/demo/*.py",
    "conversations/dialogue/*.py",
    "conversations/bench/model_server.py",
    "conversations/bench/questions.py",
    "conversations/wire.py",
    "knowledge/retrieval/*.py",
    "knowledge/training/topics.py",
    "tenants/masking.py",
)
CHINESE_STATIC = (
    "static/*/lang/*.js",
    "static/*/i18n.js",
    "static/demo/*",
    "static/demo/*/*",
    # One file for any website: its dictionary travels in it.
    "static/widget/loader.js",
    # The AI label is part of the law's text, not of a dictionary (contract L9).
    "static/console/bubble.js",
)


def test_chinese_stands_in_catalogues_and_lexicons_alone() -> None:
    found = set()
    for path in modules():
        if matching(CHINESE_PYTHON, path):
            continue
        tree = modules()[path]
        docstrings = {
            node.body[0].value
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and node not in docstrings and CJK.search(text):
                found.add(path)
    for folder in ("static", "templates"):
        for file in (ROOT / folder).rglob("*"):
            path = str(file.relative_to(ROOT))
            ours = file.suffix in (".js", ".css", ".html") and not matching(CHINESE_STATIC, path)
            if ours and CJK.search(file.read_text(encoding="utf-8")):
                found.add(path)

    assert found == set()


def test_no_migration_is_missing(db: None) -> None:
    out = io.StringIO()

    call_command("makemigrations", check_changes=True, dry_run=True, stdout=out)

    assert out.getvalue().strip() == "No changes detected"


def test_migrations_have_names() -> None:
    unnamed = [
        file.name
        for package in PACKAGES
        for file in (ROOT / package / "migrations").glob("*.py")
        if re.search(r"_auto_|_alter_.*_and_more", file.name)
    ]

    assert unnamed == []


def test_every_module_says_in_a_sentence_what_it_is() -> None:
    silent = [path for path, tree in modules().items() if tree.body and not ast.get_docstring(tree)]

    assert silent == []


def test_public_services_say_what_a_caller_may_rely_on() -> None:
    silent = [
        f"{path}: {node.name}"
        for path, tree in modules().items()
        if "/services/" in path or path.count("/") == 1
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]

    assert silent == []


UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|WIP|TBD)\b|\bNotImplemented\b|\bfor now\b", re.I)
TEXTS = (".py", ".js", ".css", ".html", ".md", ".toml", ".sh", ".yml", ".yaml", ".example", "")


def sources() -> Iterator[Path]:
    for folder in (*PACKAGES, "static", "templates", "docs", "tests", ".ci"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in TEXTS and "__pycache__" not in path.parts:
                yield path
    for path in sorted(ROOT.iterdir()):
        if path.is_file() and (path.suffix in TEXTS or path.name == "Makefile"):
            yield path


def test_nothing_is_left_to_be_done_later() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sources()
        if path != Path(__file__)
        for line in path.read_text(encoding="utf-8").splitlines()
        if UNFINISHED.search(line)
    ]

    assert found == []


def test_suppressions_give_their_reason() -> None:
    bare = []
    for path in sources():
        if path.suffix != ".py":
            continue
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type != tokenize.COMMENT:
                    continue
                # Mypy names its rule in brackets; ruff's codes say less and need a sentence.
                if re.search(r"noqa(?!: [A-Z]+\d+(, [A-Z]+\d+)* -- .)", token.string) or re.search(
                    r"type: ignore(?!\[)", token.string
                ):
                    bare.append(f"{path.relative_to(ROOT)}:{token.start[0]}")

    assert bare == []


def test_tests_are_not_skipped() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {called}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for called, _node in calls(ast.parse(path.read_text(encoding="utf-8")))
        if called in ("skip", "skipif", "xfail", "importorskip")
    ]

    assert found == []
