"""Attachments: what a file is by its content; what runs or is two things is refused (C1)."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from contextlib import suppress

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from regions.errors import AttachmentRefused
from resolvers.writing.sniffing import MEDIA_TYPES, MOST_BYTES, safe_name, sniff

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def picture(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, kind)
    return out.getvalue()


def pdf() -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.drawString(100, 100, "x")
    canvas.save()
    return out.getvalue()


def workbook() -> bytes:
    out = io.BytesIO()
    openpyxl.Workbook().save(out)
    return out.getvalue()


def document(**more: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<Types><Override PartName="/word/document.xml" ContentType="application/vnd.'
            'openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
        )
        for name, text in more.items():
            archive.writestr(name.replace("__", "/"), text)
    return out.getvalue()


def refused(content: bytes) -> str:
    with pytest.raises(AttachmentRefused) as found:
        sniff(content)
    assert found.value.code == "ATTACHMENT_REFUSED"
    assert found.value.message_zh
    return found.value.message


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (pdf(), "application/pdf"),
        (picture("PNG"), "image/png"),
        (picture("JPEG"), "image/jpeg"),
        (workbook(), _XLSX),
        (document(), next(one for one in MEDIA_TYPES if "wordprocessing" in one)),
    ],
)
def test_a_file_is_what_it_contains(content: bytes, media_type: str) -> None:
    assert sniff(content) == media_type


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"MZ\x90\x00" + b"\0" * 200,
        b"\x7fELF" + b"\0" * 200,
        b"GIF89a" + b"\0" * 200,
        b"\xd0\xcf\x11\xe0" + b"\0" * 200,
        b" %PDF-1.4\n%%EOF",
        "王芳,32010219900307001X".encode(),
    ],
)
def test_what_is_not_of_the_list_is_refused(content: bytes) -> None:
    assert "PDF, a PNG or JPEG" in refused(content)


def test_nothing_and_too_much_are_refused() -> None:
    assert "empty" in refused(b"")
    assert "2 MB" in refused(b"%PDF-" + b"0" * MOST_BYTES)


@pytest.mark.parametrize("make", [lambda: picture("PNG"), lambda: picture("JPEG"), pdf, workbook])
def test_a_file_that_goes_on_behind_its_end_is_refused(make) -> None:  # type: ignore[no-untyped-def]  # four makers
    whole = make()
    assert sniff(whole)
    assert "damaged" in refused(whole + b"<script>alert(1)</script>" * 60)
    assert "damaged" in refused(whole[: len(whole) // 2])


def test_an_archive_behind_a_picture_or_before_itself_is_refused() -> None:
    assert "damaged" in refused(picture("PNG") + workbook())
    assert "PDF, a PNG" in refused(b"#!/bin/sh\n" + workbook())


def test_a_png_whose_checksum_is_wrong_is_refused() -> None:
    content = bytearray(picture("PNG"))
    content[20] ^= 1
    assert "damaged" in refused(bytes(content))


@pytest.mark.parametrize(
    "word", [b"/JavaScript", b"/JS ", b"/Launch", b"/EmbeddedFile", b"/J#61vaScript", b"/XFA "]
)
def test_a_pdf_that_runs_or_carries_something_is_refused(word: bytes) -> None:
    content = pdf()
    at = content.index(b"endobj")
    assert "scripts" in refused(content[:at] + b"<< " + word + b" 1 0 R >>\n" + content[at:])


def test_a_script_in_a_pdfs_compressed_objects_is_found() -> None:
    packed = zlib.compress(b"5 0 << /S /JavaScript /JS (app.alert(1)) >>")
    objects = b"9 0 obj\n<< /Type /ObjStm /N 1 /Length %d /Filter /FlateDecode >>\nstream\n" % len(
        packed
    )
    content = pdf()
    at = content.index(b"1 0 obj")
    assert "scripts" in refused(
        content[:at] + objects + packed + b"\nendstream\nendobj\n" + content[at:]
    )


def test_a_pdfs_compressed_picture_that_happens_to_read_so_is_no_script() -> None:
    content = pdf()
    at = content.index(b"1 0 obj")
    data = b"9 0 obj\n<< /Length 20 >>\nstream\n\x01\x02/JS \x03/Launch \x04\nendstream\nendobj\n"
    assert sniff(content[:at] + data + content[at:]) == "application/pdf"


def test_macros_and_embedded_files_are_refused() -> None:
    assert sniff(document(word__document_xml="x"))
    for name in (
        "word__vbaProject.bin",
        "word__embeddings__oleObject1.bin",
        "word__activeX__a.xml",
    ):
        assert "macros" in refused(document(**{name: "x"}))


def test_an_archive_that_is_no_document_or_unpacks_to_too_much_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.txt", "x")
    assert "damaged" in refused(out.getvalue())
    big = io.BytesIO()
    with zipfile.ZipFile(big, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "x")
        archive.writestr("x", b"0" * (65 * 1024 * 1024))
    assert "damaged" in refused(big.getvalue())


def test_a_jpeg_whose_segments_do_not_lead_to_a_picture_is_refused() -> None:
    assert "damaged" in refused(b"\xff\xd8\xff\xe0" + struct.pack(">H", 1) + b"\xff\xd9")
    assert "damaged" in refused(b"\xff\xd8\xff\xff\xd9")


@given(
    st.sampled_from([b"%PDF-", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"PK\x03\x04"]),
    st.binary(max_size=400),
)
def test_any_bytes_are_a_kind_or_a_named_refusal(start: bytes, rest: bytes) -> None:
    with suppress(AttachmentRefused):
        assert sniff(start + rest) in MEDIA_TYPES


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("名单.pdf", "名单.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\x\\报告.exe", "报告.pdf"),
        ("a\u202egpj.exe", "agpj.pdf"),
        ("a\r\nb.pdf", "ab.pdf"),
        ("", "attachment.pdf"),
        ("...", "attachment.pdf"),
        ("x" * 300 + ".pdf", "x" * 120 + ".pdf"),
        ('a"b;c.pdf', "ab;c.pdf"),
    ],
)
def test_a_name_loses_what_could_mislead_and_ends_as_its_content(name: str, safe: str) -> None:
    assert safe_name(name, "application/pdf") == safe
