"""What came of a round."""

from __future__ import annotations

from resolvers.post.rounds import Round


def test_where_others_go_on_is_what_moved_beside_a_subject() -> None:
    there, back = ("3201", "3302"), ("3302", "3201")
    done = Round(follow={"a": {there}, "b": {there, back}, "c": set()})
    assert done.beside("a") == [there, back]
    assert done.beside("b") == [there]
    assert sorted(done.beside("c")) == sorted(done.beside("of nobody")) == [there, back]
