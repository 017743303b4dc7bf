"""Our own errors: nothing is wrong with the request, nor with the provider."""

from tallygate.errors.tree import TallygateError


class InternalError(TallygateError):
    """Something went wrong inside the gateway."""


class StoreUnavailable(InternalError):
    """The gateway's database cannot be reached, so the call was not started."""

    status = 503
    code = "store_unavailable"


class LogDamaged(InternalError):
    """The tree of the log is damaged in the gateway's database, so nothing can be proved from it."""

    code = "log_damaged"
    retry = False


class ReceiptsUnavailable(InternalError):
    """The gateway's log of receipts cannot be signed, so the call was not started."""

    status = 503
    code = "receipts_unavailable"


class ServerBusy(InternalError):
    """The gateway holds as many unfinished requests as it can, so this one was not read to its end."""

    status = 503
    code = "server_busy"


class SettlementUnknown(InternalError):
    """The call was served, but its end could not be recorded in time, so its answer is not handed out."""

    status = 503
    code = "settlement_unknown"
    retry = False


class ShuttingDown(InternalError):
    """The gateway is shutting down and takes no new calls."""

    status = 503
    code = "shutting_down"
