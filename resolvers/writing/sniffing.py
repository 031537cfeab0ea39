"""What an attachment is, by its content and never by its name: few kinds, whole, and nothing that
runs (C1, leak channel 29).

An allow-list: PDF, PNG, JPEG, XLSX, DOCX. A file that is two kinds at once, that goes on behind its
end, or carries macros is none of them.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping

from regions.errors import AttachmentRefused

__all__ = ["DOCX", "MEDIA_TYPES", "MOST_BYTES", "ending_of", "safe_name", "sniff"]

MOST_BYTES = 2 * 1024 * 1024
"""Of one attachment: in base64 it stands within the body of a request."""

_OFFICE = "application/vnd.openxmlformats-officedocument"
_XLSX, DOCX = f"{_OFFICE}.spreadsheetml.sheet", f"{_OFFICE}.wordprocessingml.document"

MEDIA_TYPES: Mapping[str, str] = {
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg",
    _XLSX: "xlsx",
    DOCX: "docx",
}
"""What may be attached, and how its name ends."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PDF_END = re.compile(rb"%%EOF[\r\n\t \0]*\Z")
# What runs, sends or carries something; names may be written with #xx. An action at opening that
# only turns to a page is what scanners write, and runs nothing.
_PDF_ACTIVE = re.compile(
    rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|XFA|ImportData|SubmitForm)\b"
)
_PDF_DATA = re.compile(rb"stream\r?\n.*?endstream", re.DOTALL)  # compressed: reads like anything
_PDF_NAME = re.compile(rb"#([0-9A-Fa-f]{2})")
_PDF_STREAM = re.compile(rb"/Type\s*/ObjStm\b.*?stream\r?\n(.*?)endstream", re.DOTALL)
_MOST_MEMBERS = 500
_MOST_UNPACKED = 64 * 1024 * 1024
_MOST_STREAM = 8 * 1024 * 1024
_MAIN = {
    f'{_OFFICE}.spreadsheetml.sheet.main+xml"'.encode(): _XLSX,
    f'{_OFFICE}.wordprocessingml.document.main+xml"'.encode(): DOCX,
}
_RUNS = re.compile(r"vbaProject|activeX|embeddings/|externalLinks/|oleObject", re.IGNORECASE)
_LONGEST_NAME = 120
_ZIP_END = 22  # bytes of a directory's end without a comment


def sniff(content: bytes) -> str:
    """The media type. Raises AttachmentRefused where it is empty, too large or not of the list."""
    if not content:
        raise _refused("the attachment is empty", "附件为空")
    if len(content) > MOST_BYTES:
        megabytes = MOST_BYTES // 1_048_576
        raise _refused(f"an attachment has at most {megabytes} MB", f"附件不得超过 {megabytes} MB")
    if content.startswith(b"%PDF-"):
        return _pdf(content)
    if content.startswith(_PNG):
        return _png(content)
    if content.startswith(b"\xff\xd8\xff"):
        return _jpeg(content)
    if content.startswith(b"PK\x03\x04"):
        return _office(content)
    raise _refused(
        "an attachment is a PDF, a PNG or JPEG picture, an XLSX or a DOCX",
        "附件只能是 PDF、PNG 或 JPEG 图片、XLSX 或 DOCX",
    )


def ending_of(media_type: str) -> str:
    """How the name of a file of this type ends, without the dot."""
    return MEDIA_TYPES[media_type]


def safe_name(name: str, media_type: str) -> str:
    """A file's name without folders, control characters and what a name could hide; its ending is
    that of its content.
    """
    bare = re.split(r"[/\\]", name)[-1]
    bare = "".join(one for one in bare if one.isprintable() and one not in '<>:"|?*')
    stem = bare.rpartition(".")[0] or bare
    stem = stem.strip(". ")[:_LONGEST_NAME].rstrip(". ") or "attachment"
    return f"{stem}.{ending_of(media_type)}"


def _pdf(content: bytes) -> str:
    if not _PDF_END.search(content[-1024:]):
        raise _damaged("PDF")
    texts = [_PDF_DATA.sub(b"", content)]
    for found in _PDF_STREAM.finditer(content):
        unpack = zlib.decompressobj()
        try:
            texts.append(unpack.decompress(found[1], _MOST_STREAM))
        except zlib.error:
            raise _damaged("PDF") from None
        if unpack.unconsumed_tail:
            raise _damaged("PDF")
    for text in texts:
        plain = _PDF_NAME.sub(lambda one: bytes([int(one[1], 16)]), text)
        if _PDF_ACTIVE.search(plain):
            raise _active("PDF")
    return "application/pdf"


def _png(content: bytes) -> str:
    """Chunk after chunk to the last one, each with its checksum, and nothing behind it."""
    at = len(_PNG)
    while at + 12 <= len(content):
        (size,) = struct.unpack_from(">I", content, at)
        kind = content[at + 4 : at + 8]
        end = at + 12 + size
        if end > len(content) or (at == len(_PNG) and kind != b"IHDR"):
            break
        (given,) = struct.unpack_from(">I", content, end - 4)
        if given != zlib.crc32(content[at + 4 : end - 4]):
            break
        at = end
        if kind == b"IEND":
            if at == len(content):
                return "image/png"
            break
    raise _damaged("PNG")


def _jpeg(content: bytes) -> str:
    """Segment after segment to the scan, and an end after which nothing stands but padding."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        (size,) = struct.unpack_from(">H", content, at + 2)
        at += 2 + size
        if size < 2:
            break
        if marker == 0xDA:
            if at < len(content) and content.rstrip(b"\0\r\n").endswith(b"\xff\xd9"):
                return "image/jpeg"
            break
    raise _damaged("JPEG")


def _office(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            size = sum(one.file_size for one in members)
            if len(members) > _MOST_MEMBERS or size > _MOST_UNPACKED:
                raise _damaged("XLSX, DOCX")
            if any(one.flag_bits & 1 for one in members):
                raise _refused("the file is password-protected", "文件已加密")
            types = archive.read("[Content_Types].xml")
            names = [one.filename for one in members]
            first = min(one.header_offset for one in members)
            # Nothing stands before the first member or behind the directory: no other kind, too.
            whole = first == 0 and content[-_ZIP_END:].startswith(b"PK\x05\x06")
            if not whole or archive.testzip() is not None:
                raise _damaged("XLSX, DOCX")
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, OSError, RuntimeError, EOFError):
        # RuntimeError, NotImplementedError among it: members that zipfile cannot read.
        raise _damaged("XLSX, DOCX") from None
    kinds = [kind for main, kind in _MAIN.items() if main in types]
    if len(kinds) != 1:
        raise _refused(
            "this archive is neither an XLSX workbook nor a DOCX document",
            "该压缩文件不是 XLSX 或 DOCX",
        )
    if any(_RUNS.search(name) for name in names) or b"macroEnabled" in types:
        raise _active("XLSX, DOCX")
    return kinds[0]


def _refused(message: str, message_zh: str) -> AttachmentRefused:
    return AttachmentRefused(message, message_zh)


def _damaged(kind: str) -> AttachmentRefused:
    return _refused(
        f"the file begins as {kind} and is damaged, or is something else as well",
        f"文件以 {kind} 开头，但已损坏或同时为其他类型",
    )


def _active(kind: str) -> AttachmentRefused:
    return _refused(
        f"the file ({kind}) has scripts, macros or embedded files: save it without them, or print "
        "it to PDF",
        f"文件（{kind}）含脚本、宏或嵌入文件：请另存为不含此类内容的文件，或打印为 PDF",
    )
