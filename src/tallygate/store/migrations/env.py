"""How alembic reaches the database: on the connection that `store.migrate` hands over, inside its transaction.

alembic runs this file by its path. There is no offline mode and no configuration file.
"""

from alembic import context

from tallygate.store.meta import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
