"""The doors for writing figures, labels and audits, and for making, sending, answering reports."""
