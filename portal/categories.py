"""The first level of the categories as people read it: in English on an English page."""

from __future__ import annotations

import flask
from flask_babel import lazy_gettext as _l

FIRST_LEVELS = {
    "交通运输": _l("交通运输"),
    "党务政务": _l("党务政务"),
    "农村农业": _l("农村农业"),
    "劳动和社会保障": _l("劳动和社会保障"),
    "卫生计生": _l("卫生计生"),
    "商贸旅游": _l("商贸旅游"),
    "国土资源": _l("国土资源"),
    "城乡建设": _l("城乡建设"),
    "政法": _l("政法"),
    "教育文体": _l("教育文体"),
    "民政": _l("民政"),
    "环境保护": _l("环境保护"),
    "科技与信息产业": _l("科技与信息产业"),
    "纪检监察": _l("纪检监察"),
    "经济管理": _l("经济管理"),
}
"""The first levels of the shipped catalogue. A city's catalogue may have others, which stay as they are written."""


def add_to(blueprint: flask.Blueprint) -> None:
    """Templates say `name|category`."""
    blueprint.add_app_template_filter(category, "category")


def category(name: str) -> str:
    """A first level in the language of the page."""
    return str(FIRST_LEVELS.get(name, name))
