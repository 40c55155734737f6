"""Who is in the way of a transaction, observed from a connection of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

LOOK_SECONDS = 0.2
"""How often to look; shorter than any lock time-out that makes sense."""

# What every role may see of other roles' sessions: no statement, no state.
_HOLDERS = text(
    """
    SELECT DISTINCT activity.pid, activity.usename AS role, activity.application_name AS program,
      coalesce(
        (SELECT string_agg(DISTINCT relation::regclass::text, ', ')
         FROM pg_locks AS wanted
         WHERE wanted.pid = :pid AND NOT wanted.granted AND wanted.relation IS NOT NULL),
        'another run of the migrations') AS waited_for
    FROM unnest(pg_blocking_pids(:pid)) AS blocking (pid)
    JOIN pg_stat_activity AS activity ON activity.pid = blocking.pid
    ORDER BY activity.pid
    """
)


@dataclass
class Watch:
    """What was seen: the last that was in the way, as a part of a sentence."""

    last_seen: str | None = None
    _stop: threading.Event = field(default_factory=threading.Event)


@contextmanager
def watching(engine: Engine, pid: int) -> Iterator[Watch]:
    """Look who blocks the server process ``pid`` until the end of the block."""
    watch = Watch()
    thread = threading.Thread(target=_look, args=(engine, pid, watch), daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch._stop.set()
        thread.join()


def _look(engine: Engine, pid: int, watch: Watch) -> None:
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not watch._stop.wait(LOOK_SECONDS):
                holders = connection.execute(_HOLDERS, {"pid": pid}).all()
                if holders:
                    watch.last_seen = f"{holders[0].waited_for}, held by " + ", ".join(
                        f"{holder.role} (process {holder.pid} of the server"
                        + (f", program {holder.program})" if holder.program else ")")
                        for holder in holders
                    )
    except DBAPIError:
        # Not to know who it is must not make the migration fail.
        return
