"""The ways an alert takes: what each group robot and address wants to be sent, and what it answers."""
