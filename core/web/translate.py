"""The English of the pages: `python -m core.web.translate extract | update | compile`.

The Chinese sentence is the key and stands in the code; its English stands in translations/en/LC_MESSAGES/messages.po.
The compiled file is committed beside it, so that a clone runs without a build step; a test holds both to the code.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_python
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
PO = Path(__file__).resolve().parent / "translations" / "en" / "LC_MESSAGES" / "messages.po"
MO = PO.with_suffix(".mo")
KEYWORDS = {**DEFAULT_KEYWORDS, "_l": None, "lazy_gettext": None}
# Where no sentence of a page stands; what the commands say is English already.
_BESIDE = frozenset({"tests", "benchmarks", "commands", "migrations", "build", "docs", "deploy"})
# Constants that pages translate when they show them: an error's sentence, a group of the navigation, reasons by code.
NAMED = frozenset({"message", "group", "REASONS", "UNITS", "STAFF_KINDS"})
# What errors by field are gathered in.
FAULTS = frozenset({"wrong", "faults", "fields", "errors"})
_HAN = re.compile(r"[\u3400-\u9fff]")
_PLACEHOLDER = re.compile(r"%\((\w+)\)([a-z])")
_WIDTH = 120
_HEAD = "# English of the pages; see core/web/translate.py.\n#"


def extract(root: Path = ROOT) -> Catalog:
    """Every sentence that the code hands to gettext, with the files that it stands in."""
    with (root / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = Catalog(project="lianxin")
    for path, _line, words, comments, context in extract_from_dir(
        root, methods, options, KEYWORDS, directory_filter=_is_ours
    ):
        found.add(words, None, [(path, 0)], auto_comments=comments, context=context)
    return found


def extract_source(fileobj: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterator[tuple[Any, ...]]:
    """What babel.cfg has done with a Python file: calls of gettext, what is raised, the constants of NAMED."""
    source = fileobj.read()
    yield from extract_python(io.BytesIO(source), keywords, comment_tags, options)
    for node in ast.walk(ast.parse(source)):
        for text in _named(node):
            if _HAN.search(text.value):
                yield text.lineno, "_", text.value, []


def _named(node: ast.AST) -> list[Any]:
    """The texts that are raised here, or given to a name of NAMED or to a field of FAULTS."""
    match node:
        case ast.Raise(exc=ast.Call(args=arguments)):
            given: list[ast.expr] = arguments
        case ast.keyword(arg=str(name), value=value) if name in NAMED:
            given = [value]
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in NAMED:
            given = [value]
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name in NAMED:
            given = [value]
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name))], value=value) if name in FAULTS:
            given = [value]
        case _:
            return []
    texts = [one for value in given for one in (value.values if isinstance(value, ast.Dict) else [value])]
    return [one for one in texts if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _is_ours(folder: str | Path) -> bool:
    name = Path(folder).name
    return not name.startswith((".", "_")) and name not in _BESIDE


def read(path: Path = PO) -> Catalog:
    """The English as it stands."""
    if not path.exists():
        return Catalog(locale="en", project="lianxin")
    with path.open("rb") as file:
        return read_po(file, locale="en")


def update(path: Path = PO) -> Catalog:
    """Bring the file up to the code: new sentences come in without English, those that are gone leave."""
    catalog, stamp = read(path), read(path).creation_date
    catalog.update(extract(), no_fuzzy_matching=True, update_header_comment=False)
    catalog.obsolete.clear()
    catalog.creation_date = stamp  # the file changes when its sentences do
    _name(catalog)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=_WIDTH, sort_by_file=True, include_lineno=False)
    return catalog


def _name(catalog: Catalog) -> None:
    catalog.header_comment, catalog.fuzzy = _HEAD, False
    catalog.project, catalog.version, catalog.msgid_bugs_address = "Lianxin", "0", "see CONTRIBUTING.md"
    catalog.last_translator, catalog.language_team = "Lianxin", "en"
    catalog.revision_date = catalog.creation_date


def compiled(catalog: Catalog) -> bytes:
    """What gettext reads at run time."""
    made = io.BytesIO()
    write_mo(made, catalog)
    return made.getvalue()


def placeholders(text: str) -> list[str]:
    """The names that a sentence is filled with, in order of the alphabet."""
    return sorted(f"{name}:{kind}" for name, kind in _PLACEHOLDER.findall(text))


def faults(catalog: Catalog) -> list[str]:
    """Sentences without English, doubtful ones, and those whose English is filled with other values."""
    return [f"{why}: {message.id}" for message in catalog if message.id and (why := _fault(message))]


def _fault(message: Message) -> str:
    if not message.string:
        return "no English"
    if message.fuzzy:
        return "doubtful"
    return "" if placeholders(str(message.id)) == placeholders(str(message.string)) else "other values"


def main(arguments: list[str]) -> int:
    """Run one of the three; gives the exit code."""
    match arguments:
        case ["extract"]:
            write_po(sys.stdout.buffer, extract(), width=_WIDTH, sort_by_file=True, include_lineno=False)
        case ["update"]:
            wrong = faults(update())
            sys.stdout.write("".join(f"{line}\n" for line in wrong) + f"{len(wrong)} to do\n")
        case ["compile"]:
            MO.write_bytes(compiled(read()))
        case _:
            sys.stderr.write("python -m core.web.translate extract | update | compile\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
