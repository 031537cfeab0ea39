"""What the routes of signing in share: reading a request's JSON, and answering, failures too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from regions.errors import EpigateError, InvalidInput, StoreError, TooLarge

__all__ = [
    "BODY_MAX",
    "Handler",
    "address_of",
    "answering",
    "assertion_in",
    "code_in",
    "header_of",
    "json_answer",
    "json_body",
    "raw_body",
    "text_of",
]

BODY_MAX = 16_384  # bytes
_CODE = 64  # characters of a code, at most

_CHINESE = {
    "ACCESS_LOG_FAILED": "访问日志无法写入，请求未执行。",
    "ACCESS_LOG_CONTRADICTED": "访问日志与地区见证或其签名不符，已停止服务，请联系审计员。",
    "ACCESS_LOG_TAMPERED": "访问日志校验不通过，已停止服务，请联系审计员。",
    "FORBIDDEN": "无权执行此操作。",
    "INVALID_INPUT": "提交的内容有误。",
    "NOT_FOUND": "没有该项。",
    "PASSWORD_GIVEN": "首次登录须先修改密码。",
    "PROVIDER_UNAVAILABLE": "统一身份认证服务暂时无法访问。",
    "SECOND_FACTOR_REQUIRED": "该账号须使用双因素认证，请先绑定第二因素。",
    "SIGN_IN_FAILED": "账号、密码或验证码错误。",
    "STORE_FAILED": "账号库暂时无法访问。",
    "TOO_LARGE": "请求过大。",
    "TOO_MANY_REQUESTS": "尝试次数过多，请稍后再试。",
    "UNAUTHENTICATED": "没有有效会话，请重新登录。",
}
"""What each code says, for the officers who read it."""

Handler = Callable[[Request], Awaitable[Response]]


def answering(handler: Handler) -> Handler:
    """Failures with a name become answers."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except EpigateError as error:
            return _failure(error)
        except SQLAlchemyError:
            return _failure(StoreError("the store of accounts does not answer"))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it

    return answer


def json_answer(content: object, status: int = 200) -> Response:
    """An answer in JSON that nobody may keep."""
    return Response(
        orjson.dumps(content),
        status,
        {"cache-control": "no-store"},
        "application/json; charset=utf-8",
    )


async def json_body(request: Request) -> dict[str, Any]:
    """The body, a JSON object. Raises InvalidInput and TooLarge."""
    kind = (header_of(request, b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind != b"application/json":
        raise InvalidInput("the body must be JSON, with `content-type: application/json`")
    body = await raw_body(request)
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the body is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise InvalidInput('the body must be a JSON object, such as {"account": "…"}')
    return found


async def raw_body(request: Request) -> bytes:
    """The body. Raises TooLarge."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            raise TooLarge(f"the body is over {BODY_MAX:,} bytes")
    return bytes(body)


def text_of(values: dict[str, Any], name: str, longest: int) -> str:
    """A text of a body. Raises InvalidInput."""
    value = values.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise InvalidInput(f"`{name}` must be a text of 1 to {longest} characters")
    return value


def code_in(values: dict[str, Any]) -> str:
    """The code of a second factor that a body may have; "" for none. Raises InvalidInput."""
    code = values.get("code")
    if code is not None and not (isinstance(code, str) and len(code) <= _CODE):
        raise InvalidInput(f"`code` must be a text of at most {_CODE} characters")
    return code or ""


def assertion_in(values: dict[str, Any]) -> dict[str, Any] | None:
    """The assertion of a passkey that a body may have. Raises InvalidInput."""
    assertion = values.get("assertion")
    if assertion is not None and not isinstance(assertion, dict):
        raise InvalidInput("`assertion` must be the object a passkey makes")
    return assertion


def header_of(request: Request, name: bytes) -> bytes | None:
    """A header as it was sent."""
    found: list[tuple[bytes, bytes]] = request.scope["headers"]
    return next((value for key, value in found if key == name), None)


def address_of(request: Request) -> str:
    """The client's network address."""
    return request.client.host if request.client else ""


def _failure(error: EpigateError) -> Response:
    said = {
        "code": error.code,
        # Of our own failures not the reason, which names files.
        "message": error.message if error.status < 500 else error.message.partition(":")[0],
        "messageZh": _CHINESE.get(error.code, "请求未能执行。"),
    }
    if error.hint:
        said["hint"] = error.hint
    answer = json_answer({"error": said}, error.status)
    if "retryAfter" in error.details:
        answer.headers["retry-after"] = str(error.details["retryAfter"])
    if error.status == 401:
        answer.headers["www-authenticate"] = "Bearer"
    return answer
