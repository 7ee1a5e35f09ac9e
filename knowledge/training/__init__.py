"""Makes the weights and constants that retrieval ships with; nothing here runs in the product."""
