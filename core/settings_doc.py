"""docs/settings.md, made from the typed settings; a test holds the committed file to it."""

from __future__ import annotations

from pathlib import Path

from core.config import Settings

PATH = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
_HEAD = """# Settings

Made from `core/config.py` by `./hub settings-doc`; change that, not this page. Settings come from the environment and
from a `.env` file. A missing or malformed one stops the start with a sentence that says which and what it should be;
so does a name that begins with `HUB_` and is no setting.

`HUB_ENV_FILE`, which stands in the environment only, names another file in place of `.env` in the working folder; one
that is named has to be there. Names that begin with `HUB_TEST_` are for the suite.

| setting | default | what |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = [
        f"| `HUB_{name.upper()}` | {_default(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return _HEAD + "\n".join(rows) + "\n"


def write() -> None:
    """Write the page again."""
    PATH.write_text(page(), encoding="utf-8")


def _default(value: object) -> str:
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    return f"`{text}`" if text else ""
