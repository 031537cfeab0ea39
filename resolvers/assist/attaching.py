"""`attachToAssistRequest`: a file goes with a letter, or with its answer (C1)."""

from __future__ import annotations

from resolvers.assist.acting import Acting, party_of
from resolvers.assist.attachments import (
    Attached,
    count_attachments,
    enter_attachment,
    put_attachment,
    shares_files,
)
from resolvers.assist.rows import Copy, Who
from resolvers.assist.states import ENDED, OPEN, Party, State
from resolvers.assist.table import StateRefused
from resolvers.context import Context
from resolvers.writing.files import MOST, read_file
from schema.writing.assist import AssistRequestPayload, AttachToAssistRequestInput

__all__ = ["attach_to_assist_request"]


async def attach_to_assist_request(
    context: Context, given: AttachToAssistRequestInput, path: str
) -> AssistRequestPayload:
    """Attaches a file to a letter, on the side of the viewer's unit. Raises Refusal."""
    acting = Acting(context, "attachToAssistRequest", given, path)
    mistakes = acting.mistakes
    file = await read_file(given.file_name, given.content, mistakes)
    mistakes.stop()
    assert file is not None

    def work(copy: Copy, who: Who) -> None:
        _check(copy)
        person = None
        if given.person is not None:
            people = copy.load([given.person])
            if not people:
                raise StateRefused("NO_PERSON")
            (person,) = people
            if person["state"] == State.FORWARDED.name:
                raise StateRefused("FORWARDED")
        told = {"mediaType": file.media_type, "size": file.size}
        copy.note("ATTACH", "NOTED", who, person=person, detail=told)
        key = copy.keys[-1]
        one = Attached(
            key=key,
            position=given.person,
            unit_id=who.unit_id,
            media_type=file.media_type,
            size=file.size,
            sha256=file.sha256,
            file_name=file.name,
            content=file.content,
        )
        mine = party_of(copy) is Party.ISSUER
        # What the receiving unit attaches it sees while it holds the letter, like the rest.
        enter_attachment(copy, one, who.at, reporter=who.account if mine else None)
        if copy.state in OPEN:
            put_attachment(copy, key, who)

    return await acting.do(work)


def _check(copy: Copy) -> None:
    """Raises StateRefused where the letter takes no file now."""
    if copy.state in ENDED:
        raise StateRefused("ENDED")
    if party_of(copy) is Party.RECEIVER:
        if copy.state is State.SENT:
            raise StateRefused("NOT_ACKNOWLEDGED")
        if copy.state is State.REFUSED:
            raise StateRefused("REFUSED")
    elif not shares_files(copy):
        raise StateRefused("FILES_NOT_SHARED")
    if count_attachments(copy) >= MOST:
        raise StateRefused("FILES")
