"""Base errors: a person gets a sentence in Chinese and a code, a log gets the code."""

from __future__ import annotations


class HubError(Exception):
    """Something a person caused or can act on.

    `code` is stable and names the rule; `message` is a Chinese sentence that says what to do; `status` is the HTTP
    status a view answers with.
    """

    code = "error"
    message = "这一步没有完成，请稍后再试。"
    status = 400

    def __init__(self, message: str | None = None, **details: object) -> None:
        self.message = message or type(self).message
        self.details = details
        super().__init__(self.code)


class NotFound(HubError):
    """The thing asked for is absent, or not this person's to see: the two answer alike."""

    code = "not_found"
    message = "没有找到您要看的内容，请核对地址或编号。"
    status = 404


class Forbidden(HubError):
    """This person may not do this."""

    code = "forbidden"
    message = "您的岗位没有这项权限。如需办理，请联系本单位管理员开通。"
    status = 403


class Invalid(HubError):
    """Something typed is wrong; `fields` maps each field to its sentence."""

    code = "invalid"
    message = "有内容需要修改，请按提示改正后再提交。"
    status = 400

    def __init__(self, fields: dict[str, str] | None = None, message: str | None = None, **details: object) -> None:
        super().__init__(message, **details)
        self.fields = fields or {}


class Conflict(HubError):
    """Somebody else changed it first."""

    code = "conflict"
    message = "这件事项刚被别人改过，请看过最新情况后再操作；您填写的内容已保留。"
    status = 409
