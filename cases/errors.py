"""What can go wrong in an operation, each with its sentence."""

from __future__ import annotations

from core.errors import Conflict, Forbidden, HubError, Invalid, NotFound

__all__ = [
    "AlreadyThere",
    "Conflict",
    "Forbidden",
    "HubError",
    "Invalid",
    "NotAutomatic",
    "NotFound",
    "NotNow",
    "NotPublishable",
    "SamePerson",
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


class NotPublishable(HubError):
    """What may not be published: no consent, a possible accusation, or nothing answered yet."""

    code = "not_publishable"
    message = "这件事项现在不能公开：须群众同意公开、已答复、且不是（可能的）检举控告。"
    status = 409


class SamePerson(HubError):
    """What one person proposed, another has to release."""

    code = "same_person"
    message = "提出公开的人不能自己发布，请由另一位发布员核对后发布。"
    status = 403


class AlreadyThere(HubError):
    """It was done before; nothing changed."""

    code = "already_done"
    message = "这一步已经做过了。"
    status = 409


class DangerUnseen(NotNow):
    """A case with a danger to life that nobody on duty has acknowledged is not closed by staff."""

    code = "danger_unseen"
    message = "这件事有危及生命的险情提醒，还没有人确认。请值班人员先在首页确认已看到险情，再办结。"


class NotAutomatic(HubError):
    """A case that must not be sent anywhere without a person; `reasons` are codes."""

    code = "not_automatic"
    message = "这件事项不能自动派单，请分流员审核后交办。"
    status = 409

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__(reasons=reasons)
