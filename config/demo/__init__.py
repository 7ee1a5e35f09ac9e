"""The demonstration: two pretend shops, the people who serve them, and a month of their past."""

# Log-ins of the demonstration tenants, in the order the start-up shows them.
PASSWORD = "yingda-demo-2026"  # noqa: S105 -- printed on start-up, refused outside embedded mode
PEOPLE: tuple[tuple[str, str, str, str], ...] = (
    ("demo", "admin@demo.example", "client_admin", "陈晓青"),
    ("demo", "editor@demo.example", "knowledge_editor", "周禾"),
    ("demo", "supervisor@demo.example", "supervisor", "林班长"),
    ("demo", "agent@demo.example", "agent", "苗苗"),
    ("demo", "agent2@demo.example", "agent", "阿远"),
    ("demo", "viewer@demo.example", "client_readonly", "审计员"),
    ("demo", "manager@yingda.example", "account_manager", "方经理"),
    ("demo-en", "manager@yingda.example", "account_manager", "Fang"),
    ("demo-en", "admin@demo-en.example", "client_admin", "Alice Larkfield"),
    ("demo-en", "agent@demo-en.example", "agent", "Sam"),
)
OPERATOR = "operator@yingda.example"


def logins() -> list[tuple[str, str, str]]:
    """Return (role, e-mail, password) of the people worth signing in as, for the start-up's table."""
    shown = [
        (role, email, PASSWORD)
        for tenant, email, role, _name in PEOPLE
        if (tenant == "demo" and role in ("client_admin", "account_manager", "supervisor", "agent"))
        or email == "agent@demo-en.example"
    ]
    return [*shown, ("platform_operator", OPERATOR, PASSWORD)]
