"""Mappings: the shipped ones fit their lists, and every mistake names file, line, key, expected."""

from __future__ import annotations

from pathlib import Path

import pytest

import schema.enums as enums
from regions.errors import LoadError
from resolvers.loading.fields import KINDS, SECTIONS, FieldKind, fields_table
from resolvers.loading.mapping_file import read_mapping, shipped_mappings
from resolvers.loading.source import ListFile
from tests.resolvers.lists import CARDS, LISTS

MANUAL = Path(__file__).parent.parent.parent / "docs" / "loading.md"

SHIPPED = {
    "mers-korea-2015": "mers_korea_2015_linelist.csv",
    "mers-korea-2015-contacts": "mers_korea_2015_contacts.csv",
    "h7n9-china-2013": "h7n9_china_2013_linelist.csv",
    "covid19-china-cities-2020": "covid19_china_cities_2020.csv.gz",
}


def test_every_shipped_mapping_has_its_list() -> None:
    assert set(shipped_mappings()) == set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_mappings_name_columns_their_list_has(name: str) -> None:
    mapping = read_mapping(name)
    with ListFile(LISTS / SHIPPED[name]) as file:
        assert set(mapping.columns()) <= set(file.header)
    assert mapping.source == name


def test_an_own_mapping_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "cards.toml"
    path.write_text("\ufeff" + CARDS, "utf-8")
    mapping = read_mapping(str(path))
    assert mapping.name == "cards"
    assert mapping.missing == {"", "na", "?"}
    assert not mapping.id_private
    assert mapping.columns()[:2] == ("no", "county")


def test_an_id_that_is_private_too_is_known_to_be(tmp_path: Path) -> None:
    path = tmp_path / "cards.toml"
    path.write_text(CARDS.replace('id = "no"', 'id = ["no", "id_number"]'), "utf-8")
    assert read_mapping(str(path)).id_private


def test_a_mapping_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(LoadError) as failed:
        read_mapping("mers")
    assert "there is no mapping mers" in failed.value.message
    assert "mers-korea-2015-contacts" in failed.value.hint


def test_a_mapping_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "cards.toml"
    path.write_bytes(CARDS.encode() + b"# \xd5\xc5\n")
    with pytest.raises(LoadError, match="not UTF-8"):
        read_mapping(str(path))


_UNIT = '[[unit]]\nid = "x"\ncode = "320102"\nlevel = "HOSPITAL"\nname_zh = "x"\nname_en = "x"\n\n'
_DISEASE = '[[disease]]\nkey = "x"\nname_zh = "x"\nname_en = "x"\nlaw_class = "C"\nicd10 = "x"\n\n'

# What is changed in CARDS, the line and key that are named, and what is expected.
MISTAKES = {
    "syntax": ('id = "no"', "id = no", "(line)", "TOML"),
    "bare key": ('missing = ["NA", "?"]', '缺失 = "x"', "(line)", "in quotes"),
    "kind": ('kind = "case"', 'kind = "cases"', "kind", "one of case, contact"),
    "no kind": ('kind = "case"\n', "", "kind", "text in quotes"),
    "source": ('source = "cards"', 'source = "my cards"', "source", "a word"),
    "top key": ('id = "no"', 'ids = "no"', "ids", "`id`, perhaps"),
    "id": ('id = "no"', "id = 7", "id", "text in quotes, or a list"),
    "section": ("[exposure]", "[exposures]", "exposures", "`exposure`, perhaps"),
    "other kind's section": ("[exposure]", "[contact]", "contact", "one of"),
    "field": ('onset_on = "onset"', 'onset = "onset"', "case.onset", "`onset_on`, perhaps"),
    "required": ('disease = "disease"\n', "", "case", "a column"),
    "value": ('"CONFIRMED"', '"CERTAIN"', "case.classification", "one of SUSPECTED"),
    "disease": (
        'disease = "disease"',
        'disease = { constant = "measels" }',
        "case.disease",
        "measles",
    ),
    "no column": ('age = "age"', "age = { or_empty = true }", "person.age", "column"),
    "two": ('age = "age"', 'age = { column = "a", constant = "3" }', "person.age", "column"),
    "number": ('age = "age"', "age = 3", "person.age", "column"),
    "empty list": ('age = "age"', "age = []", "person.age", "at least one"),
    "choice key": ('age = "age"', 'age = { colum = "a" }', "person.age.colum", "`column`"),
    "table": ('sex = "sex"', 'sex = { column = "sex", table = "x" }', "person.sex", "[tables.…]"),
    "table value": (
        'sex = "sex"',
        'sex = { column = "sex", table = { m = 1 } }',
        "person.sex.m",
        "text in quotes",
    ),
    "twice": (
        'sex = "sex"',
        'sex = { column = "sex", table = { m = "M", M = "M" } }',
        "person.sex.M",
        "each value once",
    ),
    "when": (
        'died_on = "died"',
        'died_on = { column = "died", when = 1 }',
        "case.died_on",
        "when =",
    ),
    "or_empty": (
        'died_on = "died"',
        'died_on = { column = "died", or_empty = 1 }',
        "case.died_on",
        "true or false",
    ),
    "reference": (
        'died_on = "died"',
        'died_on = { column = "died", source = "x" }',
        "case.died_on",
        "a reference",
    ),
    "no place": ('[[place]]\ncolumn = "county"\nlookup = "code"\n', "", "place", "[[place]]"),
    "place": ('lookup = "code"', 'lookup = "zip"', "place.0.lookup", "one of code, name"),
    "place column": ('column = "county"\n', "", "place.0", "the name of a column"),
    "place both": (
        'lookup = "code"',
        'lookup = "code"\ntable = { a = "320102" }',
        "place.0",
        "lookup =",
    ),
    "place code": ('lookup = "code"', 'table = { a = "999999" }', "place.0", "codes"),
    "place type": ('lookup = "code"', "lookup = 3", "place.0.lookup", "text in quotes"),
    "coarser": ('lookup = "code"', 'lookup = "code"\ncoarser = "no"', "place.0", "true or false"),
    "encoding": ("[file]", '[file]\nencoding = "utf-16"', "file.encoding", "one of utf-8"),
    "delimiter": ("[file]", '[file]\ndelimiter = ";;"', "file.delimiter", "one character"),
    "file key": ("[file]", '[file]\nquote = "x"', "file.quote", "one of encoding"),
    "offset": ("[file]", '[dates]\noffset = "CST"\n\n[file]', "dates.offset", "an offset from UTC"),
    "unit": ("[file]", '[[unit]]\nid = "x"\n\n[file]', "unit.0.code", "text in quotes"),
    "unit level": (
        "[file]",
        _UNIT.replace("HOSPITAL", "CDC") + "[file]",
        "unit.0.level",
        "one of HOSPITAL",
    ),
    "unit id": (
        "[file]",
        _UNIT.replace('id = "x"', 'id = "a b"') + "[file]",
        "unit.0.id",
        "a word",
    ),
    "unit code": (
        "[file]",
        _UNIT.replace("320102", "3201") + "[file]",
        "unit.0.code",
        "six digits",
    ),
    "disease class": (
        "[file]",
        _DISEASE.replace('"C"', '"D"') + "[file]",
        "disease.0.law_class",
        "one of A, B, C, OTHER",
    ),
    "disease key": (
        "[file]",
        _DISEASE.replace('key = "x"', 'key = "X Y"') + "[file]",
        "disease.0.key",
        "lower-case letters",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_names_file_line_key_and_what_was_expected(mistake: str, tmp_path: Path) -> None:
    before, after, key, expected = MISTAKES[mistake]
    assert before in CARDS
    path = tmp_path / "cards.toml"
    path.write_text(CARDS.replace(before, after), "utf-8")
    with pytest.raises(LoadError) as failed:
        read_mapping(str(path))
    error = failed.value
    assert error.details["file"] == str(path)
    assert error.details["key"] == key
    assert expected in error.hint
    line = int(error.details["line"])
    assert error.message.startswith(f"{path}:{line}: {key}: ")
    said = path.read_text("utf-8").splitlines()[line - 1]
    assert key == "(line)" or not after or line == 1 or key.split(".")[-1] in said or "[" in said


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('place = "x"\n', "place"),
        ("file = 3\n", "file"),
        ("[tables]\nx = 3\n", "tables.x"),
    ],
)
def test_sections_of_another_form_are_told(text: str, key: str, tmp_path: Path) -> None:
    path = tmp_path / "cards.toml"
    path.write_text('kind = "case"\nsource = "x"\n' + text + "[case]\n", "utf-8")
    with pytest.raises(LoadError) as failed:
        read_mapping(str(path))
    assert failed.value.details["key"] in (key, "case")


def test_the_fields_enums_are_those_of_the_schema() -> None:
    named = {
        ("case", "classification"): enums.CaseClassification,
        ("case", "origin"): enums.CaseOrigin,
        ("case", "found_by"): enums.FoundBy,
        ("case", "outcome"): enums.CaseOutcome,
        ("person", "medical_worker"): enums.MedicalWorker,
        ("exposure", "kind"): enums.ExposureKind,
        ("contact", "level"): enums.ContactLevel,
        ("contact", "route"): enums.ContactRoute,
        ("contact", "relation_to_case"): enums.RelationToCase,
        ("contact", "manner"): enums.ContactManner,
        ("contact", "frequency"): enums.ContactFrequency,
        ("contact", "observation_mode"): enums.ObservationMode,
        ("contact", "outcome"): enums.ContactOutcome,
        ("contact", "traced"): enums.Traced,
    }
    for name, section in SECTIONS.items():
        for field in section.fields:
            if field.kind in (FieldKind.ENUM, FieldKind.MANNERS):
                declared = named.get((name, field.name))
                if declared is None:
                    assert field.name in ("sex", "rule_pack")
                else:
                    assert field.choices == tuple(member.name for member in declared)


def test_the_manual_has_every_field_kind_reason_and_shipped_mapping() -> None:
    from resolvers.loading.reasons import NOTICES, REASONS

    text = MANUAL.read_text("utf-8")
    for section in SECTIONS:
        assert fields_table(section) in text, f"docs/loading.md: the table of [{section}] is old"
    for word in (*KINDS, *REASONS, *NOTICES, *shipped_mappings()):
        assert f"`{word}`" in text, f"docs/loading.md does not say what {word} is"
