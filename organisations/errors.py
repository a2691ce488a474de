"""What can go wrong with accounts, sign-in and the rows that administrators change."""

from __future__ import annotations

from core.errors import Conflict, Forbidden, HubError, Invalid, NotFound

__all__ = ["Conflict", "Forbidden", "HubError", "Invalid", "NotFound"]


class SignInRefused(HubError):
    """The name or the password is wrong, or the account is closed: one sentence for all, so nothing is learnt."""

    code = "sign_in_refused"
    message = "用户名或密码不正确，请重新输入；忘记密码请联系本单位管理员。"
    status = 401


class SignInLocked(SignInRefused):
    """Too many wrong tries for this name or from this address."""

    code = "sign_in_locked"
    message = "尝试次数过多，已暂停登录，请稍后再试，或请管理员重置密码。"
    status = 429


class CodeNeeded(SignInRefused):
    """The password is right and a code of the authenticator is asked for."""

    code = "code_needed"
    message = "请输入动态口令（认证器上的六位数字）。"


class CodeWrong(SignInRefused):
    """The code is wrong, too old, or was used before."""

    code = "code_wrong"
    message = "动态口令不正确或已用过，请等下一组数字再试。"


class LinkUnusable(HubError):
    """A reset link that is unknown, used or too old."""

    code = "link_unusable"
    message = "这个重置链接已失效或已用过，请联系管理员重新发一个。"
    status = 410


class RolesApart(HubError):
    """System, security and audit administrator can't be one account."""

    code = "roles_apart"
    message = "系统管理员、安全管理员、审计管理员须由不同账号担任。"
    status = 409


class SamePerson(HubError):
    """What one person wrote, another has to publish."""

    code = "same_person"
    message = "编制人不能自己发布，请由另一位管理员核对后发布。"
    status = 403
