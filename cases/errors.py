"""What can go wrong in an operation, each with its sentence."""

from __future__ import annotations

from core.errors import Conflict, Forbidden, HubError, Invalid, NotFound

__all__ = [
    "AlreadyThere",
    "Conflict",
    "Forbidden",
    "HubError",
    "Invalid",
    "NotFound",
    "NotNow",
    "TooManyTries",
    "WrongCode",
]


class NotNow(HubError):
    """The workflow does not allow this step from the present state."""

    code = "not_now"
    message = "事项当前的状态不能做这一步，请刷新后查看最新情况。"
    status = 409


class WrongCode(HubError):
    """Number and code do not fit; the two are never told apart."""

    code = "wrong_code"
    message = "编号和查询码对不上，请核对短信或回执后重填。"
    status = 404


class TooManyTries(HubError):
    """Too many wrong codes; `minutes` says how long to wait."""

    code = "too_many_tries"
    message = "输错次数过多，请稍后再试，或拨打 12345 由话务员核实身份后重新发给您。"
    status = 429


class AlreadyThere(HubError):
    """It was done before; nothing changed."""

    code = "already_done"
    message = "这一步已经做过了。"
    status = 409
