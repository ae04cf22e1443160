"""What is said of where a function is called holds for as long as a task lives, and for no other task."""

import asyncio
import threading

import pytest
import trio

from spancast.base.tasks import current_id


async def asyncios(seen: list[tuple[int, int]]) -> None:
    together = asyncio.Barrier(3)

    async def task() -> None:
        before = current_id()
        await together.wait()
        seen.append((before, current_id()))

    await asyncio.gather(task(), task(), task())


async def trios(seen: list[tuple[int, int]]) -> None:
    begun: list[int] = []
    all_here = trio.Event()

    async def task() -> None:
        begun.append(before := current_id())
        if len(begun) == 3:
            all_here.set()
        await all_here.wait()
        seen.append((before, current_id()))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(task)


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_task_is_told_from_others(loop: str) -> None:
    seen: list[tuple[int, int]] = []
    if loop == "trio":
        trio.run(trios, seen)
    else:
        asyncio.run(asyncios(seen))
    assert all(before == after for before, after in seen)
    assert len({before for before, _ in seen} | {threading.get_ident()}) == 4


def test_outside_of_loops_it_is_the_thread() -> None:
    assert current_id() == threading.get_ident()
