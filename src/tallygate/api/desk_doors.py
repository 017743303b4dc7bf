"""Everything that is done at the desk: the admin's doors, and those of a workspace that looks after itself."""

from msgspec import structs

from tallygate.access.principal import Principal
from tallygate.api.admin.desk import Desk
from tallygate.api.admin.doors import DOORS as ADMIN_DOORS
from tallygate.api.door import Reply, Request
from tallygate.api.workspace.doors import DOORS as OWN_DOORS


async def serve_desk(desk: Desk, path: str, request: Request, principal: Principal) -> Reply:
    """Serve one call of who was let in. `path` is that of the route, with its places left open."""
    serve = (ADMIN_DOORS if path.startswith("/v1/admin/") else OWN_DOORS)[request.method, path]
    return await serve(structs.replace(desk, principal=principal), request)
