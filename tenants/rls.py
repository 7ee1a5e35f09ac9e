"""Row-level security on PostgreSQL, for every tenant-owned table, kept up by each migration run."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections

from tenants.models.approval import Signature
from tenants.models.ledger import LedgerEntry
from tenants.models.obligation import Breach
from tenants.scoping import TenantModel

_POLICY = "tenant_only"


def tenant_tables() -> list[str]:
    """Return the tables of all tenant-owned models, sorted."""
    return sorted(
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if issubclass(model, TenantModel)
    )


def apply_policies(sender: Any = None, *, using: str = "default", **kwargs: Any) -> None:
    """Enable and force row-level security wherever it is missing, and grant the run-time role.

    Idempotent; does nothing on SQLite. The role named by DATABASE_APP_ROLE gets what the
    application needs and no right to change evidence.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        return
    existing = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid"
            " WHERE relnamespace = current_schema()::regnamespace AND polname = %s"
            " AND relrowsecurity AND relforcerowsecurity",
            [_POLICY],
        )
        guarded = {name for (name,) in cursor.fetchall()}
        for table in tenant_tables():
            if table in existing and table not in guarded:
                _guard(cursor, table)
        if settings.DATABASE_APP_ROLE:
            _grant(cursor, settings.DATABASE_APP_ROLE, existing)


def _guard(cursor: Any, table: str) -> None:
    condition = "tenant_id = nullif(current_setting('app.tenant', true), '')::bigint"
    cursor.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
    cursor.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
    cursor.execute(f'DROP POLICY IF EXISTS {_POLICY} ON "{table}"')
    cursor.execute(
        f'CREATE POLICY {_POLICY} ON "{table}" USING ({condition}) WITH CHECK ({condition})'
    )


def _grant(cursor: Any, role: str, existing: set[str]) -> None:
    cursor.execute(f'GRANT USAGE ON SCHEMA public TO "{role}"')
    cursor.execute(
        f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{role}"'
    )
    cursor.execute(f'GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO "{role}"')
    for table, rights in (
        (LedgerEntry._meta.db_table, "UPDATE, DELETE"),
        (Breach._meta.db_table, "DELETE"),
        (Signature._meta.db_table, "UPDATE, DELETE"),
    ):
        if table in existing:
            cursor.execute(f'REVOKE {rights} ON "{table}" FROM "{role}"')
