"""Pages, sheets and mails of a report, each made from its snapshot alone."""
