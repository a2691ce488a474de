"""Attachments judged by content: lying names, bombs, programs, polyglots, photographs with a place."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from PIL import Image

from core.errors import Invalid
from core.uploads import MAX_BYTES, clean_name, inspect, inspect_all

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def picture(kind: str = "JPEG", size: tuple[int, int] = (40, 20), **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind, **options)
    return out.getvalue()


def office(folder: str = "word/", **members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(f"{folder}document.xml", "<w/>")
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def sentence(name: str, data: bytes) -> str:
    with pytest.raises(Invalid) as caught:
        inspect(name, data)
    return caught.value.fields["files"]


def with_place() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "CameraMaker"
    exif[0x0112] = 6  # turned by a quarter
    exif.get_ifd(0x8825).update({1: "N", 2: (34.0, 45.0, 12.0), 3: "E", 4: (113.0, 37.0, 1.0)})
    return picture(exif=exif)


def test_a_photograph_loses_its_place_and_stands_upright() -> None:
    sent = with_place()
    assert b"CameraMaker" in sent
    kept = inspect("IMG_1.JPG", sent)
    assert (kept.kind, kept.media_type, kept.name) == ("image", "image/jpeg", "IMG_1.jpg")
    assert b"CameraMaker" not in kept.data and b"Exif" not in kept.data
    with Image.open(io.BytesIO(kept.data)) as image:
        assert image.size == (20, 40) and not image.getexif()
    assert kept.original == sent


def test_notes_in_a_png_are_gone() -> None:
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("Comment", "taken at home")
    assert b"taken at home" not in inspect("a.png", picture("PNG", pnginfo=notes)).data


def test_what_is_appended_to_a_picture_is_gone() -> None:
    kept = inspect("cat.jpg", picture() + office())
    assert b"PK\x03\x04" not in kept.data


def test_an_animated_picture_keeps_its_first_frame() -> None:
    frames = [Image.new("RGB", (10, 10), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=100)
    kept = inspect("a.gif", out.getvalue())
    assert kept.name == "a.png"
    with Image.open(io.BytesIO(kept.data)) as image:
        assert getattr(image, "n_frames", 1) == 1
        assert image.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


def test_a_large_photograph_is_made_smaller() -> None:
    with Image.open(io.BytesIO(inspect("a.jpg", picture(size=(6000, 300))).data)) as image:
        assert image.size == (4096, 205)


def test_a_picture_of_too_many_pixels_is_refused_unread() -> None:
    out = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(out, "PNG")
    assert "尺寸太大" in sentence("bomb.png", out.getvalue())


def test_a_picture_cut_short_is_refused() -> None:
    assert "打不开" in sentence("a.jpg", picture(size=(400, 400))[:300])


def test_a_picture_under_another_pictures_ending_is_taken() -> None:
    assert inspect("wx.jpg", picture("PNG")).name == "wx.png"


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.pdf", PDF, "pdf"),
        ("a.docx", office(), "document"),
        ("a.xlsx", office("xl/"), "document"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "document"),
        ("a.mp4", b"\0\0\0\x18ftypmp42" + b"\0" * 40, "video"),
        ("a.mov", b"\0\0\0\x14ftypqt  " + b"\0" * 40, "video"),
        ("a.m4a", b"\0\0\0\x18ftypM4A " + b"\0" * 40, "audio"),
        ("a.mp3", b"ID3\x03\0" + b"\0" * 40, "audio"),
        ("a.mp3", b"\xff\xfb\x90\x64" + b"\0" * 40, "audio"),
        ("a.amr", b"#!AMR\n" + b"\x3c" * 40, "audio"),
        ("a.wav", b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 40, "audio"),
        ("说明.txt", "水管漏了\r\n".encode("gb18030"), "text"),
    ],
)
def test_what_is_taken(name: str, data: bytes, kind: str) -> None:
    kept = inspect(name, data)
    assert (kept.name, kept.kind, kept.data, kept.original) == (name, kind, data, None)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.jpg", PDF, "对不上"),
        ("a.pdf", office(), "对不上"),
        ("a.txt", PDF, "对不上"),
        ("page.html", b"<script>alert(1)</script>", "对不上"),
        ("pic.svg", b"<svg onload='x'/>", "对不上"),
        ("a.pdf.exe", PDF, "程序文件"),
        ("a.jpg", b"MZ" + b"\0" * 400, "程序文件"),
        ("a.pdf", b"\x7fELF" + b"\0" * 400, "程序文件"),
        ("run.txt", b"#!/bin/sh\nrm -rf /\n", "程序文件"),
        ("a.zip", b"PK\x03\x04" + b"\0" * 400, "打不开"),
        ("a.rar", b"Rar!\x1a\x07\x00" + b"\0" * 400, "不支持"),
        ("a.heic", b"\0\0\0\x18ftypheic" + b"\0" * 40, "不支持"),
        ("a.pdf", PDF + office(), "不支持"),
        ("a.docm", office(**{"word/vbaProject.bin": b"x"}), "宏"),
        ("a.jpg", b"", "空的"),
        ("a.pdf", PDF + b"0" * MAX_BYTES, "20 MB"),
        ("noise.bin", bytes(range(256)) * 4, "不支持"),
    ],
)
def test_what_is_refused_with_a_sentence(name: str, data: bytes, words: str) -> None:
    assert words in sentence(name, data)


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    assert "解开后太大" in sentence("a.docx", office(**{"word/media/a.bin": b"\0" * 60_000_000}))


def test_an_archive_with_a_way_out_is_refused() -> None:
    assert "内部结构不正常" in sentence("a.xlsx", office("xl/", **{"../../etc/cron.d/x": b"x"}))


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\照片.jpg", "照片.jpg"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("\x00 .\n", "附件"),
        ("", "附件"),
        ("长" * 300 + ".pdf", "长" * 96 + ".pdf"),
    ],
)
def test_a_name_has_no_folders_and_nothing_unseen(name: str, clean: str) -> None:
    assert clean_name(name) == clean


def test_every_wrong_file_is_named() -> None:
    with pytest.raises(Invalid) as caught:
        inspect_all([("a.pdf", PDF), ("b.exe", b"MZ"), ("c.jpg", b"")])
    assert "b.exe" in caught.value.fields["files"] and "c.jpg" in caught.value.fields["files"]
    assert "a.pdf" not in caught.value.fields["files"]


def test_five_at_most_with_those_kept_before() -> None:
    assert len(inspect_all([("a.pdf", PDF)] * 5 + [("", b"")])) == 5
    with pytest.raises(Invalid) as caught:
        inspect_all([("a.pdf", PDF)] * 4, already=2)
    assert "最多 5 个附件，您选了 6 个" in caught.value.fields["files"]
