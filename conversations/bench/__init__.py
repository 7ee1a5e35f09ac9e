"""Visitors made of code, who measure a running server from outside."""
