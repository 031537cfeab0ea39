"""The ASGI application of one worker: sign-in by Starlette's router, GraphQL past it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from gateway._changes import Changes
from gateway.access_log.all_logs import AllLogs
from gateway.access_log.duties import Duties, Duty
from gateway.access_log.hashes import Hashes
from gateway.access_log.opening import open_access_log
from gateway.addresses import Addresses
from gateway.alarms import Watch
from gateway.config import Config
from gateway.detection import KeptRules, night_settings
from gateway.endpoint import GraphQLEndpoint
from gateway.executing import Executor
from gateway.exports import PREFIX, ExportEndpoint
from gateway.follow_up import PREFIX as SHEETS
from gateway.follow_up import FollowUpEndpoint
from gateway.keys.served import ServedEraser
from gateway.letters import PREFIX as LETTERS
from gateway.letters import LetterEndpoint
from gateway.messaging.configured import channel_names, make_channels, make_sender
from gateway.messaging.letters import LetterSender
from gateway.messaging.notices import NoticeSender
from gateway.passwords import Passwords
from gateway.post import Post
from gateway.restored import LOOK_SECONDS, Restored
from gateway.sessions import Sessions
from gateway.sign_in import SignIn
from gateway.sign_in.configured import make_provider
from gateway.signal_files import PREFIX as SIGNALS
from gateway.signal_files import SignalFileEndpoint
from gateway.signal_reports import PREFIX as REPORTS
from gateway.signal_reports import SignalReportEndpoint
from gateway.strangers import Strangers
from gateway.streams import Streams
from gateway.subscriptions import Subscriptions
from gateway.waiting import Waiting
from regions.blind_index import BlindIndexer
from regions.engines import sqlite_engine
from regions.keys import load_keys
from resolvers.access_log import Commitments
from resolvers.aggregates.tables import PublishedTables
from resolvers.alarms.raising import poll_alarms
from resolvers.alarms.rules import Limits
from resolvers.alerts.clocks import SignalLimits
from resolvers.alerts.night import NIGHT_SECONDS, Night
from resolvers.alerts.raising import PORTION, RaisedSignals
from resolvers.assist.clocks import AssistLimits
from resolvers.assist.escalating import ESCALATE_SECONDS, escalate
from resolvers.assist.raising import LetterChanges
from resolvers.central import Central
from resolvers.cursors import Cursors
from resolvers.diseases import learn_diseases
from resolvers.duplicates import DuplicateLimit
from resolvers.exports.document import PAGE
from resolvers.exports.limits import ExportLimits
from resolvers.federation import Federation
from resolvers.feeds import Feed, Feeds
from resolvers.pathway.becoming import Lapses
from resolvers.pathway.lapses import LAPSE_SECONDS, record_lapses
from resolvers.post.pruning import PRUNE_SECONDS, Pruner
from resolvers.questions.question import Answering
from resolvers.questions.remembered import Remembered
from resolvers.reference import Reference
from resolvers.root import make_schema
from resolvers.transfers.changing import TransferChanges
from resolvers.writing.forgetting import FORGET_SECONDS, forget_keys
from resolvers.writing.stores import Stores

__all__ = ["make_app"]

App = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


def make_app(config: Config, *, planning: bool = True) -> App:
    """The application of a configuration. `planning=False` is for tests.

    Raises KeysError, AccessLogError.
    """
    keys = load_keys(config.keys, sm=config.sm)
    federation = Federation(
        config.regions,
        keys,
        bulkhead=config.statement_threads,
        breaker_failures=config.breaker_failures,
        breaker_seconds=config.breaker_seconds,
    )
    answering = Answering(
        federation,
        Reference(config.regions),
        Cursors(keys.cursor),
        BlindIndexer(keys.index),
        page_default=config.page_default,
        page_max=config.page_max,
        records_max=config.records_max,
        remembered=Remembered(config.remember_mb << 20),
        exports=ExportLimits(config.export_approval_rows, config.export_link_minutes),
    )
    engine = sqlite_engine(str(config.central_store))
    passwords = Passwords()
    central = Central(
        engine,
        keys,
        passwords,
        emergency_minutes=config.emergency_minutes,
        review_hours=config.review_hours,
        registration_days=config.registration_days,
        eraser=ServedEraser(config, keys),
        channels=channel_names(config),
    )
    answering.duplicates = DuplicateLimit(central, keys.names, per_hour=config.duplicate_candidates)
    answering.published = PublishedTables(keys.names)
    log = open_access_log(config, keys)
    answering.commitments = Commitments(keys.log)
    answering.assist = AssistLimits(
        config.assist_acknowledge_hours,
        config.assist_control_hours,
        config.assist_feedback_hours,
        config.assist_escalate_hours,
    )
    # The card of a single case is due when its message is sent again for want of one (E10).
    answering.signals = SignalLimits(config.messages_resend_hours, config.signals_form_hours)
    answering.nights = night_settings(config)
    answering.late_minutes = config.post_late_minutes
    answering.log_reader = AllLogs(config, log.vkey, answering.commitments)
    rules = KeptRules(config.central_store)
    stores = Stores(config.regions, keys, rules)
    post = Post(config, stores, log, central, answering.commitments, answering.assist)
    executor = Executor(
        make_schema(),
        answering,
        stores,
        central=central,
        tokens_max=config.tokens_max,
        depth_max=config.depth_max,
        planning=planning,
        before_writing=log.check,  # else a mutation would be made that nobody can be told of
        commitments=answering.commitments,
        origin=log.origin,
        post=post.pump,
    )
    sessions = Sessions(
        engine,
        config.central_store,
        idle_seconds=config.session_idle_minutes * 60,
        longest_seconds=config.session_hours * 3600,
    )
    provider = make_provider(config)
    strangers = Strangers(config.strangers_per_minute)
    sign_in = SignIn(
        engine,
        sessions,
        log,
        central.sealer,
        attempts=config.sign_in_attempts,
        lock_seconds=config.sign_in_lock_minutes * 60,
        passwords=passwords,
        strangers=strangers,
        url=config.public_url,
        token_seconds=config.token_minutes * 60,
        provider=provider,
    )
    graphql = GraphQLEndpoint(
        executor,
        sessions,
        log,
        body_max_bytes=config.body_max_bytes,
        strangers=strangers,
        regions=config.regions,
    )
    addresses = Addresses(config.trusted_proxies, config.proxy_header)
    changes = Changes(config.central_store)
    moving = TransferChanges(federation)
    letter_changes = LetterChanges(stores, federation)
    raised_signals = RaisedSignals(stores, federation)
    feeds = Feeds(
        alarms=Feed(partial(poll_alarms, central), changes.version),
        # Regions are polled once a second: not every kind of store tells that it has changed.
        lapses=Feed(Lapses(federation).poll, lambda: int(time.monotonic())),
        transfers=Feed(moving.poll, moving.changed),
        letters=Feed(letter_changes.poll, letter_changes.version),
        signals=Feed(raised_signals.poll, raised_signals.version, portion=PORTION),
    )
    subscriptions = Subscriptions(
        Streams(executor, feeds),
        sessions,
        log,
        strangers,
        regions=config.regions,
        sockets=config.subscriptions_sockets,
        each=config.subscriptions_each,
        waiting=Waiting(config.subscriptions_waiting, config.subscriptions_waiting_most),
    )
    lapses = ("lapses of pathways", LAPSE_SECONDS, partial(record_lapses, stores))
    escalating = partial(escalate, stores, post.pump, answering.assist)
    letters_late = ("escalation of assist requests", ESCALATE_SECONDS, escalating)
    old_keys = (
        "forgetting of old keys",
        FORGET_SECONDS,
        partial(forget_keys, stores, central, days=config.keys_days),
    )
    restored = Restored(stores, central, log, post.pump.wake)
    behind = ("restored stores", LOOK_SECONDS, restored.look)
    pruner = Pruner(stores, days=config.post_keep_days)
    messages = ("emptying of old messages", PRUNE_SECONDS, pruner)
    channels = make_channels(config)
    sender = make_sender(config, stores, central, channels)
    telling = ("messages of signals", config.messages_poll_seconds, sender.look)
    notices = NoticeSender(central, channels, changes.version, lease=config.messages_lease_seconds)
    supervising = ("messages to supervisors", config.messages_poll_seconds, notices.look)
    told = LetterSender(stores, central, channels, lease=config.messages_lease_seconds)
    corresponding = ("messages of letters", config.messages_poll_seconds, told.look)
    more: list[Duty] = [lapses, letters_late, old_keys, behind, messages, telling, supervising]
    more.append(corresponding)
    patient = [replace(one, deadline=config.detection_night_seconds) for one in config.regions]
    night_stores = Stores(patient, keys, rules)
    night = Night(night_stores, night_settings(config))
    nights = ("nightly detection", NIGHT_SECONDS, night.round)
    more.append(nights)
    metrics: AbstractAsyncContextManager[Any] = nullcontext()
    if config.metrics_port:
        # Imported when the folder of the workers' counts is known, and where anybody wants them.
        from gateway.metrics.serving import COMPARE_SECONDS, Metrics

        measured = Metrics(config, stores, log)
        more.append(("comparison of all stores", COMPARE_SECONDS, measured.compare))
        metrics = measured.running()
    duties = Duties(config, keys, log, more=more)
    hashes = Hashes(config.log_store, log.vkey)
    watch = Watch(config.log_store, central, _limits(config))
    files = ExportEndpoint(
        executor,
        sessions,
        central,
        log,
        config.regions,
        strangers,
        page=min(PAGE, config.page_max),
    )

    letters = LetterEndpoint(executor, sessions, log, config.regions, strangers, stores)
    signal_files = SignalFileEndpoint(executor, sessions, log, config.regions, strangers, stores)
    reports = SignalReportEndpoint(executor, sessions, log, config.regions, strangers, stores)

    sheets = FollowUpEndpoint(executor, sessions, log, config.regions, strangers, stores)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await learn_diseases(federation, answering.reference, federation.ask)
        await restored.look()  # before anybody works with a store that is behind
        async with (
            sessions.running(),
            watch.running(),
            sender.running(),
            duties.running(),
            post.running(),
            subscriptions.running(),
            metrics,
        ):
            yield
        await federation.close()
        await stores.close()
        await night_stores.close()
        await log.close()
        await asyncio.to_thread(sign_in.close)
        if provider is not None:
            await provider.close()
        await central.close()
        await engine.dispose()
        changes.close()
        rules.close()

    others = Starlette(
        routes=[*sign_in.routes, *hashes.routes, Route("/health", _health)],
        exception_handlers={404: _not_found, 405: _not_found},
        lifespan=lifespan,
    )

    async def app(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            addresses.settle(scope)
        if scope["type"] == "http" and scope["path"] == "/graphql":
            await graphql(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await files(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(LETTERS):
            await letters(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(SIGNALS):
            await signal_files(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(REPORTS):
            await reports(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(SHEETS):
            await sheets(scope, receive, send)
        elif scope["type"] == "websocket":
            await subscriptions(scope, receive, send)
        else:
            await others(scope, receive, send)

    return app


def _limits(config: Config) -> Limits:
    return Limits(
        reveal_records=config.alarm_reveal_records,
        reveal_minutes=config.alarm_reveal_minutes,
        off_hours_records=config.alarm_off_hours_records,
        off_hours_from=config.alarm_off_hours_from,
        off_hours_to=config.alarm_off_hours_to,
        refusals=config.alarm_refusals,
        refusal_minutes=config.alarm_refusal_minutes,
        near_candidates=config.alarm_near_candidates,
    )


_ROUTES = (
    "There is POST /graphql, POST /sign-in, POST /sign-out, GET /exports/<id>, "
    "GET /assist-requests/<number>.pdf, GET /assist-requests/attachments/<number>, "
    "GET /assist-requests/template.xlsx, GET /follow-up-sheets/<date>.csv, "
    "GET /signals/attachments/<number>, GET /signal-reports/<code>/<period>/<date>.pdf, "
    "GET /health, GET /access-log/checkpoint, and "
    "what the manual says of signing in."
)


async def _health(_: HttpRequest) -> Response:
    return Response(b'{"status":"serving"}', media_type="application/json")


async def _not_found(_: HttpRequest, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    body = {
        "error": {
            "code": "NOT_FOUND" if status == 404 else "BAD_REQUEST",
            "message": _ROUTES,
        }
    }
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")
