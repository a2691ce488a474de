"""The web server's own log, without what a request says: gunicorn quotes request lines and the messages of errors."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from core.quiet import WithoutValues


class ServerLog(Logger):  # type: ignore[misc, unused-ignore]
    """For gunicorn's --logger-class."""

    def setup(self, cfg: Any) -> None:
        """Set the handlers up as gunicorn does, then have them leave values out."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(WithoutValues())
