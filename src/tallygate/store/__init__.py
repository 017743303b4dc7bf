"""The database: schema, migrations, connections, and every statement of SQL in the house.

Rooms above call named functions here and never spell SQL. What a warm start and a call need (address, driver, meta,
reader, rows) imports neither SQLAlchemy nor alembic; administrative functions and migrations do. Nothing here knows
what a permission means, what a key looks like, or who may do what.
"""
