"""The caller's errors: the request cannot be served as it is."""

from tallygate.errors.tree import TallygateError


class RequestError(TallygateError):
    """The request cannot be served as it is."""

    status = 400
    code = "invalid_request"
    retry = False


class InvalidJson(RequestError):
    """The body is not one JSON document."""

    code = "invalid_json"


class InvalidEncoding(RequestError):
    """The body is not valid UTF-8."""

    code = "invalid_encoding"


class InvalidString(RequestError):
    """A string holds a character that cannot be carried."""

    code = "invalid_string"


class DuplicateKey(RequestError):
    """A key stands twice in one object, so its meaning is not certain."""

    code = "duplicate_key"


class TooDeep(RequestError):
    """The body is nested too deeply."""

    code = "too_deep"


class TooLarge(RequestError):
    """The body has more members and list items than this gateway reads."""

    code = "too_large"


class InvalidValue(RequestError):
    """A field has a value outside what it may have."""

    code = "invalid_value"


class InvalidConfiguration(RequestError):
    """The configuration cannot be used, and the old one stays."""

    code = "invalid_configuration"


class MissingField(RequestError):
    """A required field is missing."""

    code = "missing_required_parameter"


class UnsupportedParameter(RequestError):
    """The model or provider that would serve this call cannot honour a field of it."""

    code = "unsupported_parameter"


class AmbiguousCredentials(RequestError):
    """The request carries more than one credential."""

    code = "ambiguous_credentials"


class InvalidIdempotencyKey(RequestError):
    """The header Idempotency-Key may stand once, with 1 to 255 visible ASCII characters."""

    code = "invalid_idempotency_key"


class ProviderRejected(RequestError):
    """The provider refused the request as malformed or impossible for this model."""

    code = "provider_rejected"


class UrlNotAllowed(RequestError):
    """The URL may not be fetched by this gateway."""

    code = "url_not_allowed"


class MediaUnavailable(RequestError):
    """What the URL leads to could not be fetched."""

    code = "media_unavailable"


class MediaTooLarge(RequestError):
    """What the URL leads to is larger than this gateway fetches."""

    code = "media_too_large"


class MediaTimeout(RequestError):
    """What the URL leads to did not come in time."""

    code = "media_timeout"


class InvalidApiKey(RequestError):
    """Incorrect API key provided: it is none of this gateway's, or no longer."""

    # It begins in OpenAI's own words, by which some clients tell a wrong key from a wrong request.
    status = 401
    code = "invalid_api_key"


class MissingApiKey(InvalidApiKey):
    """This request has no API key. Send one as `Authorization: Bearer` or as `x-api-key`."""


class NotSignedIn(RequestError):
    """Sign in first: there is no session, or it has ended."""

    status = 401
    code = "not_signed_in"


class InsufficientBalance(RequestError):
    """The workspace's balance does not cover what this call may cost."""

    status = 402
    code = "insufficient_balance"


class BudgetExceeded(RequestError):
    """A budget does not cover what this call may cost."""

    status = 402
    code = "budget_exceeded"


class PermissionDenied(RequestError):
    """The API key lacks a permission that this call needs."""

    status = 403
    code = "permission_denied"


class ModelAccessDenied(RequestError):
    """The API key may not call this model."""

    status = 403
    code = "model_access_denied"


class GuardrailBlocked(RequestError):
    """A guardrail of this gateway does not let this pass."""

    status = 403
    code = "guardrail_blocked"


class Unpriced(RequestError):
    """The model has no price here for what this call could use, so it cannot be served."""

    status = 403
    code = "model_unpriced"


class NotFound(RequestError):
    """There is nothing at this address."""

    status = 404
    code = "not_found"


class ModelNotFound(RequestError):
    """The model does not exist here."""

    status = 404
    code = "model_not_found"


class NothingFits(RequestError):
    """The model can be served, but by nobody who is as this call wishes."""

    status = 404
    code = "constraint_filtered"


class MethodNotAllowed(RequestError):
    """This address does not take this method."""

    status = 405
    code = "method_not_allowed"


class RequestTimeout(RequestError):
    """The request did not arrive in time."""

    status = 408
    code = "request_timeout"
    retry = None


class Conflict(RequestError):
    """The change contradicts what is already there."""

    status = 409
    code = "conflict"


class IdempotencyConflict(RequestError):
    """This Idempotency-Key was used for another request."""

    status = 409
    code = "idempotency_conflict"


class IdempotencyInProgress(RequestError):
    """The first call with this Idempotency-Key still runs."""

    status = 409
    code = "idempotency_in_progress"
    retry = True


class IdempotencyAnswerGone(RequestError):
    """The call with this Idempotency-Key was served and charged once, but its answer is not kept any more."""

    status = 409
    code = "idempotency_answer_gone"


class IdempotencyElsewhere(RequestError):
    """The call with this Idempotency-Key was served by a replica whose kept answers cannot be read here."""

    status = 409
    code = "idempotency_elsewhere"


class ReceiptErased(RequestError):
    """What this receipt said was erased. Only its digest is left, and its place in the log."""

    status = 410
    code = "receipt_erased"


class LengthRequired(RequestError):
    """The request has a body whose length is not given."""

    status = 411
    code = "length_required"


class PayloadTooLarge(RequestError):
    """The body is larger than this gateway accepts."""

    status = 413
    code = "payload_too_large"


class UriTooLong(RequestError):
    """The address is longer than this gateway accepts."""

    status = 414
    code = "uri_too_long"


class UnsupportedMediaType(RequestError):
    """The body must be JSON, sent as `Content-Type: application/json`."""

    status = 415
    code = "unsupported_media_type"


class UnsupportedEncoding(RequestError):
    """Compressed request bodies are not accepted."""

    status = 415
    code = "unsupported_encoding"


class UpgradeRequired(RequestError):
    """There are no WebSockets here. Send the request with POST."""

    status = 426
    code = "upgrade_required"


class ConcurrencyLimit(RequestError):
    """Too many calls run at once."""

    status = 429
    code = "concurrency_limit"
    retry = None


class RateLimited(RequestError):
    """Too many requests or tokens within a minute."""

    status = 429
    code = "rate_limit_exceeded"
    retry = None


class RateTooSmall(RateLimited):
    """The call is larger than all that its caller may use in a minute."""

    retry = False


class TooManyWrongKeys(RequestError):
    """Too many wrong API keys came from your address. Wait before you try another one; a right one is served."""

    status = 429
    code = "too_many_wrong_keys"


class TooManySignIns(RequestError):
    """Too many attempts to sign in. Try again in some minutes."""

    status = 429
    code = "too_many_sign_ins"


class HeaderTooLarge(RequestError):
    """A header is larger than this gateway accepts."""

    status = 431
    code = "header_too_large"
