"""The floor of the webhook's measurement: a bare Flask view with one durable insert, served like the hub."""

from __future__ import annotations

import os
import sqlite3
import threading

import flask

_local = threading.local()


def _connection() -> sqlite3.Connection:
    if not hasattr(_local, "connection"):
        _local.connection = sqlite3.connect(os.environ["FLOOR_DATABASE"], isolation_level=None, timeout=15)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            _local.connection.execute(f"PRAGMA {pragma}")
        _local.connection.execute("CREATE TABLE IF NOT EXISTS messages (key TEXT PRIMARY KEY, body TEXT)")
    found: sqlite3.Connection = _local.connection
    return found


def serve() -> flask.Flask:
    """The application as gunicorn runs it."""
    app = flask.Flask("floor")

    @app.post("/hooks/sms")
    def take() -> flask.Response:
        form, connection = flask.request.form, _connection()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO messages VALUES (?, ?)", (form["MessageSid"], form["Body"]))
        connection.execute("COMMIT")
        return flask.Response("<Response><Message>ok</Message></Response>", mimetype="text/xml")

    return app
