"""Every error as a page, or JSON when asked: a sentence that says what to do, and a code. Details go to the log."""

from __future__ import annotations

import errno
from dataclasses import dataclass

import flask
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException

from core.errors import HubError
from core.logging import get_logger
from core.web import kept
from core.web.context import known_person
from core.web.headers import UnknownHost

log = get_logger(__name__)


@dataclass(frozen=True)
class Shown:
    """What an error page says."""

    status: int
    code: str
    title: str
    message: str
    typed: tuple[str, ...] = ()  # what was written, to be copied


def install(app: flask.Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(HubError, _hub_error)
    app.register_error_handler(CSRFError, _wrong_token)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _unavailable)
    app.register_error_handler(InterfaceError, _unavailable)
    app.register_error_handler(OSError, _disk)
    app.register_error_handler(Exception, _failure)


def _hub_error(error: HubError) -> flask.Response:
    log.info("request_refused", code=error.code, status=error.status, endpoint=flask.request.endpoint)
    return answer(Shown(error.status, error.code, _title(error.status), _(error.message)))


def _wrong_token(error: CSRFError) -> flask.Response:
    """A form whose token does not fit: what was typed is shown back, to be sent again with a fresh token."""
    log.info("form_token_wrong", endpoint=flask.request.endpoint)
    form = kept.from_request()
    if form is not None and not wants_json():
        return flask.make_response(flask.render_template("send_again.html", form=form, signed=False), 400)
    typed = kept.to_copy()
    if typed:
        message = _("页面停留太久或已在别处退出。您写的内容在下面，请先复制下来，再返回上一页，刷新后粘贴、提交。")
    else:
        message = _("页面停留太久或已在别处退出。请返回上一页，先把写好的内容复制下来，刷新后再提交。")
    return answer(Shown(400, "form_token", _("没有提交"), message, typed))


def _http_error(error: HTTPException) -> flask.Response:
    if error.response is not None:
        return flask.make_response(error.response)
    status = error.code or 500
    if 300 <= status < 400:
        return flask.make_response(error.get_response())
    if isinstance(error, UnknownHost):
        log.warning("host_unknown")
        return _bare(Shown(400, "host_unknown", _title(400), _("这个地址不是本平台的网址，请核对后重新打开。")))
    log.info("request_refused", code=f"http_{status}", status=status, endpoint=flask.request.endpoint)
    response = answer(Shown(status, f"http_{status}", _title(status), _sentence(status)))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _unavailable(error: Exception) -> flask.Response:
    """The database is away, or can't write: nothing was kept, and a program may ask again."""
    log.error("database_unavailable", endpoint=flask.request.endpoint, exc_info=error)
    message = _("系统暂时不能使用，刚才填写的内容没有提交。请先复制留存，过几分钟再试；着急的话请拨打 12345。")
    try:
        response = answer(Shown(503, "unavailable", _title(503), message))
    except Exception as second:
        log.error("error_page_failed", exc_info=second)
        response = _bare(Shown(503, "unavailable", _title(503), message))
    response.headers["Retry-After"] = "30"
    return response


def _disk(error: OSError) -> flask.Response:
    """A full disk is the database's case too; any other error of a file is a failure of ours."""
    return _unavailable(error) if error.errno in (errno.ENOSPC, errno.EDQUOT) else _failure(error)


def _failure(error: Exception) -> flask.Response:
    """Something of ours broke: the page says nothing about it, the log where."""
    log.error("request_failed", endpoint=flask.request.endpoint, exc_info=error)
    shown = Shown(500, "internal", _title(500), _sentence(500))
    try:
        return answer(shown)
    except Exception as second:
        log.error("error_page_failed", exc_info=second)
        return _bare(shown)


def wants_json() -> bool:
    """Whether the caller would rather have JSON than a page."""
    accept = flask.request.accept_mimetypes
    return flask.request.is_json or accept["application/json"] > accept["text/html"]


def answer(shown: Shown) -> flask.Response:
    """The error as the caller wants it. The page does not read the database."""
    if wants_json():
        response = flask.jsonify(code=shown.code, message=shown.message)
    else:
        base = "work_base.html" if known_person() is not None else "portal_base.html"
        response = flask.make_response(flask.render_template("error.html", shown=shown, base=base, plain=True))
    response.status_code = shown.status
    return response


def _bare(shown: Shown) -> flask.Response:
    response = flask.make_response(f"{shown.title}\n{shown.message}\n", shown.status)
    response.mimetype = "text/plain"
    return response


def _title(status: int) -> str:
    titles = {
        401: _("请先登录"),
        403: _("没有权限"),
        404: _("没有找到"),
        405: _("不能这样打开"),
        409: _("内容已有变化"),
        410: _("已经失效"),
        413: _("内容太大"),
        429: _("操作太频繁"),
        500: _("系统出了问题"),
        503: _("暂时不能使用"),
    }
    return str(titles.get(status, _("没有完成") if status < 500 else titles[500]))


def _sentence(status: int) -> str:
    sentences = {
        400: _("提交的内容不完整或格式不对。请返回上一页，核对后再试。"),
        403: _("您没有打开这个页面的权限。请登录有权限的账号，或联系本单位管理员开通。"),
        404: _("没有找到您要看的页面。请核对网址，或从首页重新进入。"),
        405: _("这个地址不能直接打开。请从首页进入，按页面上的按钮操作。"),
        413: _("内容超过了上限：附件每个不超过 20 MB、最多 5 个，文字不超过 40 万字节。请减少后再提交。"),
        415: _("不支持这种格式。请按页面上的说明提交。"),
        429: _("您操作得太频繁了。请等一分钟再试；紧急情况请拨打 110、119、120。"),
        503: _("系统正在维护或过于繁忙。请过几分钟再试，也可以拨打 12345。"),
    }
    broken = _("这不是您的问题，我们已记录下来。请过几分钟再试；着急的话请拨打 12345。")
    return str(sentences.get(status, sentences[400] if status < 500 else broken))
