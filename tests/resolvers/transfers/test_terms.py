"""The words of a handoff."""

import re

from resolvers.transfers.terms import Offer, OfferedPerson, Refusal


def test_refusals_are_told_in_both_languages() -> None:
    texts = [(one.english, one.chinese) for one in Refusal]
    assert len(set(texts)) == len(texts)
    for english, chinese in texts:
        assert not re.search(r"[\u4e00-\u9fff]", english)
        assert re.search(r"[\u4e00-\u9fff]", chinese)


def test_what_is_private_is_not_shown_by_accident() -> None:
    person = OfferedPerson(1, escort="王医生", remarks="发热")
    offer = Offer("t", "320200", "u", "320205", (person,), "OTHER")
    assert "王医生" not in repr(offer)
    assert "发热" not in repr(offer)
