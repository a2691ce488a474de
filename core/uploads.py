"""What people attach, judged by its content and never by its name or declared type.

Photographs are drawn anew without camera data and place; the original is kept beside, for evidence. Programs, archives,
macros and what would swell on opening are refused, each with a sentence that says what to do.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import puremagic
from flask_babel import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from core.archives import Unsafe, office_members
from core.errors import Invalid

MAX_FILES = 5
MAX_BYTES = 20_000_000
MAX_PIXELS = 60_000_000
_LONGEST_SIDE = 4096
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Inspected:
    """A file that may be kept. `kind`: image, pdf, document, audio, video, text; `original` when `data` was cleaned."""

    name: str
    kind: str
    media_type: str
    data: bytes
    original: bytes | None = None


@dataclass(frozen=True)
class _Type:
    kind: str
    media_type: str
    endings: tuple[str, ...]


_OFFICE = "application/vnd.openxmlformats-officedocument."
_TYPES = {
    "jpeg": _Type("image", "image/jpeg", ("jpg", "jpeg", "jfif")),
    "png": _Type("image", "image/png", ("png",)),
    "gif": _Type("image", "image/gif", ("gif",)),
    "webp": _Type("image", "image/webp", ("webp",)),
    "bmp": _Type("image", "image/bmp", ("bmp",)),
    "pdf": _Type("pdf", "application/pdf", ("pdf",)),
    "docx": _Type("document", _OFFICE + "wordprocessingml.document", ("docx",)),
    "xlsx": _Type("document", _OFFICE + "spreadsheetml.sheet", ("xlsx",)),
    "pptx": _Type("document", _OFFICE + "presentationml.presentation", ("pptx",)),
    "ole": _Type("document", "application/x-ole-storage", ("doc", "xls", "ppt", "wps", "et", "dps")),
    "mp4": _Type("video", "video/mp4", ("mp4", "m4v", "mov", "3gp")),
    "webm": _Type("video", "video/webm", ("webm",)),
    "m4a": _Type("audio", "audio/mp4", ("m4a", "mp4")),
    "mp3": _Type("audio", "audio/mpeg", ("mp3",)),
    "aac": _Type("audio", "audio/aac", ("aac",)),
    "wav": _Type("audio", "audio/wav", ("wav",)),
    "amr": _Type("audio", "audio/amr", ("amr",)),
    "ogg": _Type("audio", "audio/ogg", ("ogg", "oga", "opus")),
    "text": _Type("text", "text/plain", ("txt",)),
}
_HEADS = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"%PDF-", "pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"\x1aE\xdf\xa3", "webm"),
    (b"ID3", "mp3"),
    (b"#!AMR", "amr"),
    (b"OggS", "ogg"),
)
_PROGRAMS = (
    b"MZ",
    b"\x7fELF",
    b"\xca\xfe\xba\xbe",
    b"\xfe\xed\xfa",
    b"\xcf\xfa\xed\xfe",
    b"#!",
    b"L\x00\x00\x00\x01\x14\x02",
)
_PROGRAM_ENDINGS = frozenset(
    ("exe", "com", "scr", "dll", "msi", "bat", "cmd", "ps1", "vbs", "js", "jse", "wsf", "jar", "class", "sh", "apk",
     "app", "lnk", "reg", "hta", "cpl")
)  # fmt: skip
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def inspect_all(files: Sequence[tuple[str, bytes]], already: int = 0) -> list[Inspected]:
    """Every file judged; `already` are kept from before. Raises Invalid({"files": a sentence for each that fails})."""
    files = [(name, data) for name, data in files if name or data]
    if len(files) + already > MAX_FILES:
        raise Invalid({"files": _("最多 %(most)s 个附件，您选了 %(n)s 个。请减少后再提交。",
                                  most=MAX_FILES, n=len(files) + already)})  # fmt: skip
    kept, sentences = [], []
    for name, data in files:
        try:
            kept.append(inspect(name, data))
        except Invalid as error:
            sentences.append(error.fields["files"])
    if sentences:
        raise Invalid({"files": " ".join(sentences)})
    return kept


def inspect(name: str, data: bytes) -> Inspected:
    """Judge one file by its content and clean it. Raises Invalid({"files": sentence})."""
    shown = clean_name(name)
    if not data:
        raise _refused(_("“%(name)s”是空的。请重新选择文件。", name=shown))
    if len(data) > MAX_BYTES:
        size = f"{len(data) / 1_000_000:.1f}"
        raise _refused(_("“%(name)s”有 %(size)s MB，超过了 20 MB 的上限。请压缩或截取后再传。", name=shown, size=size))
    if _is_program(shown, data):
        raise _refused(_("“%(name)s”是程序文件，不能上传。请改传图片、PDF 或文档。", name=shown))
    code = _code_of(shown, data)
    if code is None:
        raise _refused(_unknown(shown, data))
    found = _TYPES[code]
    if found.kind == "image":
        return _drawn_anew(shown, data, code)
    if _ending(shown) not in found.endings:
        raise _refused(_("“%(name)s”的内容和文件名对不上（内容像是 %(kind)s）。请用正确的格式另存后再传。",
                         name=shown, kind=found.endings[0].upper()))  # fmt: skip
    return Inspected(shown, found.kind, found.media_type, data)


def clean_name(name: str) -> str:
    """A file name without folders, control or invisible characters; never empty."""
    base = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    base = _UNSEEN.sub("", base).strip(" .")
    stem, dot, ending = base.rpartition(".")
    if dot and len(base) > _LONGEST_NAME:
        base = stem[: _LONGEST_NAME - len(ending[:10]) - 1] + "." + ending[:10]
    return base[:_LONGEST_NAME] or _("附件")


# --- what it is -------------------------------------------------------------------------------------------------------


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def _is_program(name: str, data: bytes) -> bool:
    if _ending(name) in _PROGRAM_ENDINGS:
        return True
    return data.startswith(_PROGRAMS) and not data.startswith(b"#!AMR")


def _code_of(name: str, data: bytes) -> str | None:
    """The type that the content has, None when it is none that we take."""
    for head, code in _HEADS:
        if data.startswith(head):
            return code if code != "pdf" or not _hides_archive(data) else None
    if data[4:8] == b"ftyp":
        return _film(data[8:12])
    if data.startswith(b"RIFF"):
        return {b"WEBP": "webp", b"WAVE": "wav"}.get(data[8:12])
    if data.startswith(b"BM") and int.from_bytes(data[2:6], "little") == len(data):
        return "bmp"
    if data.startswith(b"PK\x03\x04"):
        return _office(name, data)
    if data[:1] == b"\xff" and len(data) > 1 and data[1] & 0xE0 == 0xE0:
        return "aac" if data[1] & 0x06 == 0 else "mp3"
    return "text" if _is_text(data) else None


def _hides_archive(data: bytes) -> bool:
    """Whether a PDF is an archive as well (a file that two programs read as two things)."""
    return b"PK\x05\x06" in data[-70_000:] and b"PK\x03\x04" in data


def _film(brand: bytes) -> str | None:
    if brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif"):
        return None
    return "m4a" if brand.startswith(b"M4A") else "mp4"


def _office(name: str, data: bytes) -> str | None:
    try:
        members = office_members(data)
    except Unsafe as error:
        raise _refused(_archive_sentence(name, error.code)) from error
    if any(member.lower().endswith("vbaproject.bin") for member in members):
        raise _refused(_("“%(name)s”里有宏，不能上传。请另存为不带宏的文档或 PDF。", name=name))
    if "[Content_Types].xml" not in members:
        return None
    for folder, code in (("word/", "docx"), ("xl/", "xlsx"), ("ppt/", "pptx")):
        if any(member.startswith(folder) for member in members):
            return code
    return None


def _is_text(data: bytes) -> bool:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return not any(ord(letter) < 32 and letter not in "\r\n\t\f" for letter in text)
    return False


# --- photographs ------------------------------------------------------------------------------------------------------


def _drawn_anew(name: str, data: bytes, code: str) -> Inspected:
    """The picture alone: upright, at most 4096 pixels a side, the first frame, nothing of what the camera noted."""
    try:
        with Image.open(io.BytesIO(data), formats=(code.upper(),)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _refused(_("“%(name)s”的尺寸太大。请缩小到 6000 万像素以内再传。", name=name))
            image.seek(0)
            drawn = ImageOps.exif_transpose(image)
            drawn.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
            clear = drawn.has_transparency_data
            fresh = drawn.convert("RGBA" if clear else "RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _refused(_("“%(name)s”的尺寸太大。请缩小到 6000 万像素以内再传。", name=name)) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise _refused(_("“%(name)s”打不开，可能没有传完整。请重新选择或换一张。", name=name)) from error
    fresh.info.clear()
    as_png = clear or code in ("png", "gif")
    out = io.BytesIO()
    if as_png:
        fresh.save(out, "PNG")
    else:
        fresh.save(out, "JPEG", quality=88)
    stem = (name.rpartition(".")[0] if _ending(name) else name) or _("图片")
    ending, media_type = ("png", "image/png") if as_png else ("jpg", "image/jpeg")
    return Inspected(f"{stem}.{ending}", "image", media_type, out.getvalue(), original=data)


# --- sentences --------------------------------------------------------------------------------------------------------


def _refused(sentence: str) -> Invalid:
    return Invalid({"files": sentence})


def _archive_sentence(name: str, code: str) -> str:
    sentences = {
        "broken": _("“%(name)s”打不开，可能没有传完整。请重新保存后再传。", name=name),
        "encrypted": _("“%(name)s”加了密码，我们打不开。请去掉密码后再传。", name=name),
        "bomb": _("“%(name)s”解开后太大，不能上传。请减少内容或改传 PDF。", name=name),
        "path": _("“%(name)s”的内部结构不正常，不能上传。请另存为新文件或改传 PDF。", name=name),
    }
    return str(sentences[code])


def _unknown(name: str, data: bytes) -> str:
    """Why a file is none that we take; the detector's word for it where it has one."""
    try:
        guess = puremagic.from_string(data[:4096]).lstrip(".").upper()
    except (puremagic.PureError, ValueError):
        guess = ""
    kind = f"（{guess}）" if guess.isalnum() else ""
    return str(_("不支持“%(name)s”这种文件%(kind)s。请改传 JPG 或 PNG 图片、PDF、Word、Excel、录音或录像。",
                 name=name, kind=kind))  # fmt: skip
