"""Django's PostgreSQL backend, telling the server which tenant is in scope."""
