"""Every failure epigate names, as one tree.

    EpigateError
    ├── ConfigError            CONFIG_INVALID       a mistake in the configuration file
    ├── KeysError              KEYS_MISSING         the key folder is missing, open to others or
    short
    ├── StoreError             STORE_FAILED         a region's store refused or failed
    │   ├── RegionUnavailable  REGION_UNAVAILABLE   no answer from a region
    │   ├── StoreBehind        STORE_BEHIND         the store wants `epigate migrate`
    │   ├── StoreAhead         STORE_AHEAD          the store was migrated by a newer epigate
    │   ├── PostConflict       POST_CONFLICT        a message came again with another content
    │   ├── TopicUnknown       TOPIC_UNKNOWN        a message of a kind that nobody here handles
    │   ├── StoreRestored      STORE_RESTORED       put back from a backup, and not yet mended
    │   ├── CustodyUnknown     CUSTODY_UNKNOWN      nobody knows yet who answers for a person
    │   ├── LetterUnknown      LETTER_UNKNOWN       a message about a letter that is not here
    │   └── PersonErased       PERSON_ERASED        an erased person takes no private item any more
    ├── EnvelopeError          ENVELOPE_INVALID     a sealed value cannot be opened
    ├── LoadError              LOAD_FAILED          a mapping or line list that cannot be read at
    all
    ├── ExportInvalid          EXPORT_INVALID       a file that is no export of ours, or was changed
    ├── SheetUnreadable        SHEET_UNREADABLE     a list of people that cannot be read at all
    ├── AttachmentRefused      ATTACHMENT_REFUSED   a file that is not attached: its kind, its size
    ├── AlertRuleInvalid       ALERT_RULE_INVALID   a rule of detection that means nothing
    ├── AccessLogError         ACCESS_LOG_FAILED    the entry could not be made durable: no data
    │   ├── AccessLogTampered  ACCESS_LOG_TAMPERED  the log is not what was signed and witnessed
    │   │   └── AccessLogContradicted ACCESS_LOG_CONTRADICTED a region's witness proves it
    │   ├── LogUnavailable     LOG_UNAVAILABLE      a log that is known was not read whole
    │   └── NoteInvalid        NOTE_INVALID         a checkpoint or signature that does not hold
    ├── ProviderUnavailable    PROVIDER_UNAVAILABLE the OpenID Connect provider cannot be used
    ├── ServeError             SERVE_FAILED         the gateway cannot serve
    │   ├── PortInUse          PORT_IN_USE          another program listens on the port
    │   └── Unclassified       UNCLASSIFIED         a column or field nobody says is private or not
    └── QuestionError          BAD_REQUEST          what a client sent cannot be answered
        ├── Unauthenticated    UNAUTHENTICATED      no valid session
        ├── SignInFailed       SIGN_IN_FAILED       the account, the password or the code is wrong
        ├── Forbidden          FORBIDDEN            the viewer's role does not allow it
        ├── SecondFactorRequired SECOND_FACTOR_REQUIRED the session lacks the second factor it needs
        ├── PasswordGiven      PASSWORD_GIVEN       the account's first password must be changed
        ├── InvalidInput       INVALID_INPUT        a value that does not mean anything here
        ├── InvalidCursor      INVALID_CURSOR       a cursor that was not made for this question
        ├── TooLarge           TOO_LARGE            a document, page or answer over a limit
        ├── TooManyRequests    TOO_MANY_REQUESTS    over the rate allowed
        │   └── TooManyCandidates TOO_MANY_CANDIDATES more duplicate checks than an hour allows
        ├── ExportNotReady     EXPORT_NOT_READY     an export that waits, was refused, or is over
        ├── ExportStopped      EXPORT_STOPPED       an export whose ground changed on the way
        └── NotFound           NOT_FOUND            no such record that the viewer may see

Each leaf has one stable `code`, the same in GraphQL (`errors[].extensions.code`), on the command
line and in the log. A message says what was wrong and where, `hint` how to mend it. Messages carry
no private value and never tell "exists but hidden" from "does not exist".
"""

from __future__ import annotations

__all__ = [
    "AccessLogContradicted",
    "AccessLogError",
    "AccessLogTampered",
    "AlertRuleInvalid",
    "AttachmentRefused",
    "ConfigError",
    "CustodyUnknown",
    "EnvelopeError",
    "EpigateError",
    "ExportInvalid",
    "ExportNotReady",
    "ExportStopped",
    "Forbidden",
    "InvalidCursor",
    "InvalidInput",
    "KeysError",
    "LoadError",
    "LogUnavailable",
    "NotFound",
    "NoteInvalid",
    "PasswordGiven",
    "PersonErased",
    "PortInUse",
    "PostConflict",
    "ProviderUnavailable",
    "QuestionError",
    "RegionUnavailable",
    "SecondFactorRequired",
    "ServeError",
    "SheetUnreadable",
    "SignInFailed",
    "StoreAhead",
    "StoreBehind",
    "StoreError",
    "StoreRestored",
    "TooLarge",
    "TooManyCandidates",
    "TooManyRequests",
    "TopicUnknown",
    "Unauthenticated",
    "Unclassified",
]


class EpigateError(Exception):
    """Base of every failure with a name. `hint` says how to mend it."""

    code = "INTERNAL"
    status = 500  # of HTTP, where the whole request fails

    def __init__(self, message: str, *, hint: str = "", **details: str | int) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def extensions(self) -> dict[str, str | int]:
        """The `extensions` of the GraphQL error."""
        return {"code": self.code, **({"hint": self.hint} if self.hint else {}), **self.details}


class ConfigError(EpigateError):
    """A mistake in the configuration: which file, line and key, and what was expected."""

    code = "CONFIG_INVALID"

    def __init__(self, message: str, *, file: str, line: int, key: str, expected: str) -> None:
        super().__init__(message, hint=f"expected {expected}", file=file, line=line, key=key)

    def __str__(self) -> str:
        where = f"{self.details['file']}:{self.details['line']}"
        return f"{where}: {self.details['key']}: {self.message}; {self.hint}"


class KeysError(EpigateError):
    """The keys cannot be used."""

    code = "KEYS_MISSING"


class StoreError(EpigateError):
    """A region's store refused or failed."""

    code = "STORE_FAILED"
    status = 503


class RegionUnavailable(StoreError):
    """No answer from a region: down, slow, or kept out by its circuit breaker."""

    code = "REGION_UNAVAILABLE"


class StoreBehind(StoreError):
    """The store's tables are older than this epigate."""

    code = "STORE_BEHIND"


class StoreAhead(StoreError):
    """The store's tables are newer than this epigate."""

    code = "STORE_AHEAD"


class StoreRestored(StoreError):
    """The store was put back from an older backup: it takes no step of custody, nor a record of
    anybody it may no longer answer for, until it was compared with the others.
    """

    code = "STORE_RESTORED"


class PersonErased(StoreError):
    """An erased person's records take no private item any more."""

    code = "PERSON_ERASED"


class PostConflict(StoreError):
    """A message between regions came a second time under its id with another content."""

    code = "POST_CONFLICT"


class TopicUnknown(StoreError):
    """A message between regions of a kind that nobody here handles."""

    code = "TOPIC_UNKNOWN"


class CustodyUnknown(StoreError):
    """A message about a person came to a store that cannot say yet who answers for the person."""

    code = "CUSTODY_UNKNOWN"


class LetterUnknown(StoreError):
    """A message about a letter came to a store that has no copy of it, as one that was put back."""

    code = "LETTER_UNKNOWN"


class EnvelopeError(EpigateError):
    """A sealed value was changed, moved to another record, or sealed with a key we do not have."""

    code = "ENVELOPE_INVALID"


class LoadError(EpigateError):
    """A mapping or a line list that cannot be read at all."""

    code = "LOAD_FAILED"


class AlertRuleInvalid(EpigateError):
    """A rule of detection whose method does not take what it says: which rule, which parameter."""

    code = "ALERT_RULE_INVALID"
    status = 400


class AccessLogError(EpigateError):
    """An access-log entry could not be made durable, so no data may leave."""

    code = "ACCESS_LOG_FAILED"
    status = 503


class AccessLogTampered(AccessLogError):
    """The access log is not what was signed and witnessed: changed, cut short, or an older one."""

    code = "ACCESS_LOG_TAMPERED"


class AccessLogContradicted(AccessLogTampered):
    """A region's witness holds a signed checkpoint out of which the access log did not grow, or the
    log's own file is not what was signed: nothing is answered until somebody has looked into it.
    """

    code = "ACCESS_LOG_CONTRADICTED"


class LogUnavailable(AccessLogError):
    """A log that regions know of was not read, or not to its end: entries may be missing."""

    code = "LOG_UNAVAILABLE"


class NoteInvalid(AccessLogError):
    """A checkpoint, signature or verifier key that is none, or does not hold."""

    code = "NOTE_INVALID"


class ExportInvalid(EpigateError):
    """A file that is no export of this gateway, or was changed since."""

    code = "EXPORT_INVALID"


class SheetUnreadable(EpigateError):
    """A list of people that cannot be read at all: no CSV or XLSX, too large, no usable header.

    The message is in English and in Chinese, since officers read it; it has no value of a cell.
    """

    code = "SHEET_UNREADABLE"

    def __init__(self, message: str, message_zh: str, *, hint: str = "", hint_zh: str = "") -> None:
        super().__init__(message, hint=hint)
        self.message_zh = message_zh
        self.hint_zh = hint_zh


class AttachmentRefused(EpigateError):
    """A file that is not attached to a letter: of another kind than it may be, too large, active.

    In English and Chinese.
    """

    code = "ATTACHMENT_REFUSED"

    def __init__(self, message: str, message_zh: str) -> None:
        super().__init__(message)
        self.message_zh = message_zh


class ProviderUnavailable(EpigateError):
    """The OpenID Connect provider does not answer, or not as one does."""

    code = "PROVIDER_UNAVAILABLE"
    status = 503


class ServeError(EpigateError):
    """The gateway cannot serve: its address cannot be used, or a worker does not start."""

    code = "SERVE_FAILED"


class PortInUse(ServeError):
    """Another program listens on the port."""

    code = "PORT_IN_USE"


class Unclassified(ServeError):
    """A column or field of which nobody says whether it is private: epigate does not start."""

    code = "UNCLASSIFIED"


class QuestionError(EpigateError):
    """What a client sent cannot be answered."""

    code = "BAD_REQUEST"
    status = 400


class Unauthenticated(QuestionError):
    """No valid session."""

    code = "UNAUTHENTICATED"
    status = 401


class SignInFailed(QuestionError):
    """The account, the password or the code is wrong; never which of them."""

    code = "SIGN_IN_FAILED"
    status = 401


class Forbidden(QuestionError):
    """The viewer's role does not allow it."""

    code = "FORBIDDEN"
    status = 403


class SecondFactorRequired(QuestionError):
    """The account's rights need a second factor, and its session has none: it may only enrol."""

    code = "SECOND_FACTOR_REQUIRED"
    status = 403


class PasswordGiven(QuestionError):
    """Somebody else chose the account's password: its session may only change it, and enrol."""

    code = "PASSWORD_GIVEN"
    status = 403


class InvalidInput(QuestionError):
    """A value that does not mean anything here."""

    code = "INVALID_INPUT"


class InvalidCursor(QuestionError):
    """A cursor that was not made by us, for this list and this order."""

    code = "INVALID_CURSOR"


class TooLarge(QuestionError):
    """Over a limit of size."""

    code = "TOO_LARGE"
    status = 413


class TooManyRequests(QuestionError):
    """Over a limit of rate."""

    code = "TOO_MANY_REQUESTS"
    status = 429


class TooManyCandidates(TooManyRequests):
    """More candidates for the duplicate check than an account has within an hour."""

    code = "TOO_MANY_CANDIDATES"


class NotFound(QuestionError):
    """No such record that the viewer may see."""

    code = "NOT_FOUND"
    status = 404


class ExportNotReady(QuestionError):
    """An export that waits for approval, was refused, was fetched, or whose time is over."""

    code = "EXPORT_NOT_READY"
    status = 409


class ExportStopped(QuestionError):
    """An export that ended before its end: rights changed, or the list grew out of proportion."""

    code = "EXPORT_STOPPED"
    status = 409
