"""What the verbs share: options, tables, moments in time, the way to the database. No verbs."""
