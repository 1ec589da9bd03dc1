"""Assessments from coroutines. Waits are for events: no test depends on a thread being fast."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import os
import signal
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.deadline import checkpoint
from ageassure.errors import (
    CalledOffError,
    ConfigurationError,
    DeadlineError,
    EvidenceError,
    OverloadError,
)
from ageassure.threads import AssessmentThreads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_SECONDS = 30


@pytest.fixture
def threads() -> Iterator[AssessmentThreads]:
    with AssessmentThreads(threads=1, waiting=1) as made:
        yield made


class Stages:
    """Work that stands still until it is let go, and asks whether to go on until it may end."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.go = threading.Event()
        self.seen = b""
        self.stopped: Exception | None = None

    def __call__(self, evidence: bytearray) -> int:
        self.seen = bytes(evidence[:1])
        self.began.set()
        assert self.go.wait(PATIENCE_SECONDS)
        try:
            checkpoint()
        except Exception as error:
            self.stopped = error
            raise
        return len(evidence)

    async def under_way(self) -> None:
        assert await asyncio.to_thread(self.began.wait, PATIENCE_SECONDS)


def test_the_result_comes_back_and_the_evidence_is_wiped(threads: AssessmentThreads) -> None:
    held = bytearray(b"evidence")
    seen = []

    def assess(evidence: bytearray, age: int, name: str) -> tuple[int, str]:
        seen.append((bytes(evidence), threading.current_thread() is threading.main_thread()))
        return age, name

    assert asyncio.run(threads.run(assess, held, 18, "over")) == (18, "over")
    assert seen == [(b"evidence", False)]
    assert not any(held)


def test_an_error_comes_back_and_the_evidence_is_wiped(threads: AssessmentThreads) -> None:
    held = bytearray(b"evidence")

    def assess(_: bytearray) -> None:
        raise EvidenceError("no")

    with pytest.raises(EvidenceError, match="no"):
        asyncio.run(threads.run(assess, held))
    assert not any(held)


def test_a_cancelled_task_ends_when_the_work_has_ended(threads: AssessmentThreads) -> None:
    held, stages = bytearray(b"evidence"), Stages()

    async def cancel() -> None:
        task = asyncio.create_task(threads.run(stages, held))
        await stages.under_way()
        for _ in range(3):  # impatience changes nothing
            task.cancel()
            await asyncio.sleep(0)
        done, _ = await asyncio.wait([task], timeout=0.05)
        assert not done
        assert any(held)
        stages.go.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not any(held)

    asyncio.run(cancel())
    assert isinstance(stages.stopped, CalledOffError)


def test_work_that_never_asks_is_waited_for_and_its_answer_dropped(
    threads: AssessmentThreads,
) -> None:
    held = bytearray(b"evidence")
    began, go = threading.Event(), threading.Event()

    def stubborn(_: bytearray) -> str:
        began.set()
        go.wait(PATIENCE_SECONDS)
        return "an answer"

    async def cancel() -> None:
        task = asyncio.create_task(threads.run(stubborn, held))
        await asyncio.to_thread(began.wait, PATIENCE_SECONDS)
        task.cancel()
        asyncio.get_running_loop().call_later(0.05, go.set)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert go.is_set()

    asyncio.run(cancel())
    assert not any(held)


def test_work_that_waits_for_a_thread_never_begins_after_a_cancellation(
    threads: AssessmentThreads,
) -> None:
    first, second = Stages(), Stages()
    held = bytearray(b"evidence")

    async def cancel() -> None:
        busy = asyncio.create_task(threads.run(first, bytearray(b"first")))
        await first.under_way()
        task = asyncio.create_task(threads.run(second, held))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not any(held)  # though the first still runs
        first.go.set()
        assert await busy == 5

    asyncio.run(cancel())
    assert not second.began.is_set()


def test_the_time_counts_while_work_waits_for_a_thread(threads: AssessmentThreads) -> None:
    first, second = Stages(), Stages()
    held = bytearray(b"evidence")

    async def wait() -> None:
        busy = asyncio.create_task(threads.run(first, bytearray(b"first")))
        await first.under_way()
        with pytest.raises(DeadlineError):
            await threads.run(second, held, timeout_seconds=0.05)
        assert not any(held)
        first.go.set()
        await busy

    asyncio.run(wait())
    assert not second.began.is_set()


def test_running_work_stops_at_its_next_checkpoint_after_the_deadline(
    threads: AssessmentThreads,
) -> None:
    held, stages = bytearray(b"evidence"), Stages()

    async def wait() -> None:
        task = asyncio.create_task(threads.run(stages, held, timeout_seconds=0.05))
        await asyncio.sleep(0.1)
        stages.go.set()
        with pytest.raises(DeadlineError):
            await task

    asyncio.run(wait())
    assert not any(held)


def test_an_answer_that_comes_too_late_is_none(threads: AssessmentThreads) -> None:
    go = threading.Event()

    async def wait() -> None:
        asyncio.get_running_loop().call_later(0.1, go.set)
        await threads.run(lambda _: go.wait(PATIENCE_SECONDS), bytearray(), timeout_seconds=0.05)

    with pytest.raises(DeadlineError):
        asyncio.run(wait())


def test_asyncio_s_own_timeout_works_as_well(threads: AssessmentThreads) -> None:
    held, stages = bytearray(b"evidence"), Stages()

    async def wait() -> None:
        asyncio.get_running_loop().call_later(0.1, stages.go.set)
        async with asyncio.timeout(0.02):
            await threads.run(stages, held)

    with pytest.raises(TimeoutError):
        asyncio.run(wait())
    assert not any(held)
    assert isinstance(stages.stopped, CalledOffError)


def test_what_comes_on_top_is_refused_and_wiped_and_places_are_given_back(
    threads: AssessmentThreads,
) -> None:
    held = bytearray(b"evidence")

    async def crowd() -> None:
        stages = [Stages(), Stages()]
        tasks = [asyncio.create_task(threads.run(one, bytearray(b"one"))) for one in stages]
        await stages[0].under_way()
        for _ in range(3):
            with pytest.raises(OverloadError) as caught:
                await threads.run(Stages(), held)
            assert caught.value.code == "overload"
        assert not any(held)
        for one in stages:
            one.go.set()
        assert await asyncio.gather(*tasks) == [3, 3]
        assert await threads.run(len, bytearray(b"again")) == 5

    asyncio.run(crowd())


def test_places_of_cancelled_work_are_given_back(threads: AssessmentThreads) -> None:
    async def crowd() -> None:
        first = Stages()
        busy = asyncio.create_task(threads.run(first, bytearray(b"first")))
        await first.under_way()
        for _ in range(5):
            task = asyncio.create_task(threads.run(Stages(), bytearray(b"waits")))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        first.go.set()
        await busy

    asyncio.run(crowd())


def test_closed_threads_refuse_and_wipe() -> None:
    held = bytearray(b"evidence")
    with AssessmentThreads(threads=1) as threads:
        pass
    with pytest.raises(CalledOffError) as caught:
        asyncio.run(threads.run(len, held))
    assert not any(held)
    assert caught.value.__context__ is None


def test_closing_drops_what_waits_and_lets_finish_what_runs() -> None:
    first, second = Stages(), Stages()
    held = bytearray(b"evidence")

    async def close() -> None:
        threads = AssessmentThreads(threads=1)
        busy = asyncio.create_task(threads.run(first, bytearray(b"first")))
        await first.under_way()
        waits = asyncio.create_task(threads.run(second, held))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.05, first.go.set)
        await asyncio.to_thread(threads.close)
        assert await busy == 5
        with pytest.raises(CalledOffError, match="closed"):
            await waits

    asyncio.run(close())
    assert not any(held)


def test_a_coroutine_that_is_thrown_away_wipes_at_once(threads: AssessmentThreads) -> None:
    held, stages = bytearray(b"evidence"), Stages()

    async def throw_away() -> None:
        coroutine = threads.run(stages, held)
        coroutine.send(None)
        await stages.under_way()
        coroutine.close()
        assert not any(held)
        stages.go.set()

    asyncio.run(throw_away())
    threads.close()
    assert isinstance(stages.stopped, CalledOffError)


class TestNeverBegun:
    """A coroutine of which nothing ever ran: its task was cancelled first, or there was none."""

    def test_a_task_that_is_cancelled_at_once_wipes(self, threads: AssessmentThreads) -> None:
        held, stages = bytearray(b"evidence"), Stages()

        async def cancel() -> None:
            task = asyncio.create_task(threads.run(stages, held))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not any(held)

        asyncio.run(cancel())
        assert not stages.began.is_set()

    def test_a_group_that_fails_meanwhile_wipes(self, threads: AssessmentThreads) -> None:
        held = bytearray(b"evidence")

        async def fail() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(threads.run(Stages(), held))
                raise KeyError

        with pytest.raises(ExceptionGroup):
            asyncio.run(fail())
        assert not any(held)

    def test_asyncio_s_own_time_of_none_wipes(self, threads: AssessmentThreads) -> None:
        held, stages = bytearray(b"evidence"), Stages()
        stages.go.set()

        async def wait() -> None:
            await asyncio.wait_for(threads.run(stages, held), 0)

        with pytest.raises(TimeoutError):
            asyncio.run(wait())
        assert not any(held)

    def test_one_that_is_thrown_away_wipes(self, threads: AssessmentThreads) -> None:
        held = bytearray(b"evidence")
        threads.run(Stages(), held).close()
        assert not any(held)

    def test_one_that_is_forgotten_wipes_and_is_warned_of(self, threads: AssessmentThreads) -> None:
        held = bytearray(b"evidence")
        with pytest.warns(RuntimeWarning, match="never awaited"):  # noqa: PT031 - its end warns
            forgotten = threads.run(Stages(), held)
            del forgotten
        assert not any(held)

    def test_the_error_keeps_nothing(self, threads: AssessmentThreads) -> None:
        evidence = Evidence()
        gone = weakref.ref(evidence)
        given = [evidence]
        del evidence

        async def cancel() -> None:
            task = asyncio.create_task(threads.run(lambda _: None, given.pop()))
            task.cancel()
            await task

        with pytest.raises(asyncio.CancelledError) as caught:
            asyncio.run(cancel())
        gc.collect()
        assert gone() is None
        assert caught.value.__traceback__ is not None


class Evidence:
    """Something whose end can be seen."""


@pytest.mark.parametrize("end", ["result", "error", "cancellation"])
def test_nothing_keeps_the_evidence(
    end: str, threads: AssessmentThreads, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    evidence = Evidence()
    gone = weakref.ref(evidence)
    error: BaseException | None = None
    began = threading.Event()

    def assess(held: Evidence) -> None:
        del held
        if end == "error":
            raise EvidenceError("no")
        began.set()
        while end == "cancellation":
            checkpoint()

    async def ask(given: list[Evidence]) -> None:
        task = asyncio.create_task(threads.run(assess, given.pop()))
        if end == "cancellation":
            await asyncio.to_thread(began.wait, PATIENCE_SECONDS)
            task.cancel()
        await task

    given = [evidence]
    del evidence
    try:
        asyncio.run(ask(given))
    except (EvidenceError, asyncio.CancelledError) as caught:
        error = caught  # with its traceback
    gc.collect()
    assert gone() is None
    assert (error is None) == (end == "result")
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


@pytest.mark.parametrize("count", [-1, 1.5, math.nan, math.inf, True, "2", None, [1]])
def test_numbers_that_are_none_are_refused(count: Any) -> None:
    for changes in ({"threads": count}, {"threads": 1, "waiting": count}, {"threads": 0}):
        with pytest.raises(ConfigurationError, match="numbers"):
            AssessmentThreads(**changes)


@pytest.mark.parametrize("function", [None, 5, "assess", b"x"])
def test_what_cannot_be_called_is_refused_and_the_evidence_wiped(
    function: Any, threads: AssessmentThreads
) -> None:
    held = bytearray(b"evidence")
    with pytest.raises(ConfigurationError, match="called"):
        asyncio.run(threads.run(function, held))
    assert not any(held)


def test_a_timeout_that_is_no_number_is_refused_and_the_evidence_wiped(
    threads: AssessmentThreads,
) -> None:
    for seconds in (math.nan, 10**400):
        held = bytearray(b"evidence")
        with pytest.raises(ConfigurationError):
            asyncio.run(threads.run(len, held, timeout_seconds=seconds))
        assert not any(held)


def test_without_waiting_places_only_as_many_as_there_are_threads() -> None:
    stages = Stages()

    async def crowd(run: Callable[..., Any]) -> None:
        busy = asyncio.create_task(run(stages, bytearray(b"first")))
        await stages.under_way()
        with pytest.raises(OverloadError):
            await run(len, b"second")
        stages.go.set()
        await busy

    with AssessmentThreads(threads=1, waiting=0) as threads:
        asyncio.run(crowd(threads.run))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
class TestFork:
    """What a pre-fork server does: the object is made once, and used in every child."""

    def test_a_child_has_threads_of_its_own(self, threads: AssessmentThreads) -> None:
        assert asyncio.run(threads.run(len, bytearray(b"parent"))) == 6
        assert in_child(lambda: asyncio.run(threads.run(len, bytearray(b"child"))) == 5)
        assert in_child(  # a child of a child, of one that used them and of one that did not
            lambda: (
                asyncio.run(threads.run(len, bytearray(b"x"))) == 1
                and in_child(lambda: asyncio.run(threads.run(len, bytearray(b"yy"))) == 2)
            )
        )
        assert in_child(
            lambda: in_child(lambda: asyncio.run(threads.run(len, bytearray(b"yy"))) == 2)
        )
        assert asyncio.run(threads.run(len, bytearray(b"parent"))) == 6

    def test_places_that_the_parent_s_work_takes_are_free_in_the_child(
        self, threads: AssessmentThreads
    ) -> None:
        stages = [Stages(), Stages()]

        async def crowd() -> bool:
            tasks = [asyncio.create_task(threads.run(one, bytearray(b"one"))) for one in stages]
            await stages[0].under_way()
            with pytest.raises(OverloadError):
                await threads.run(len, b"second")
            used = await asyncio.to_thread(in_child, self._uses(threads))
            for one in stages:
                one.go.set()
            assert await asyncio.gather(*tasks) == [3, 3]
            return used

        assert asyncio.run(crowd())

    @staticmethod
    def _uses(threads: AssessmentThreads) -> Callable[[], bool]:
        def used() -> bool:
            loop = asyncio.new_event_loop()
            return loop.run_until_complete(threads.run(len, bytearray(b"child"))) == 5

        return used

    def test_a_lock_held_in_the_parent_is_free_in_the_child(
        self, threads: AssessmentThreads
    ) -> None:
        with threads._lock:
            assert in_child(lambda: asyncio.run(threads.run(len, bytearray(b"child"))) == 5)

    def test_a_child_may_close_them_and_leaves_the_parent_s(
        self, threads: AssessmentThreads
    ) -> None:
        asyncio.run(threads.run(len, bytearray(b"parent")))

        def closes() -> bool:
            threads.close()
            return True

        assert in_child(closes)
        assert asyncio.run(threads.run(len, bytearray(b"parent"))) == 6

    def test_closed_ones_stay_closed(self, threads: AssessmentThreads) -> None:
        threads.close()

        def refused() -> bool:
            with pytest.raises(CalledOffError):
                asyncio.run(threads.run(len, bytearray(b"child")))
            return True

        assert in_child(refused)


def in_child(works: Callable[[], bool]) -> bool:
    """Whether something holds in a forked child, within a few seconds."""
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE_SECONDS)
        held = False
        try:
            held = works()
        finally:
            os._exit(0 if held else 1)
    return os.waitpid(child, 0)[1] == 0
