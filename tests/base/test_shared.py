"""What threads make of the same records is kept for the next of them, and no more of it than there is room for."""

import threading

from spancast.base.shared import Shared


def test_what_is_kept_is_found_until_another_takes_its_place() -> None:
    shared: Shared[str, str] = Shared(room=10)
    assert shared.get("a") is None
    shared.keep("a", "first", 1)
    shared.keep("a", "second", 1)
    assert shared.get("a") == "second"


def test_the_oldest_go_where_there_are_too_many() -> None:
    shared: Shared[int, int] = Shared(room=100, most=3)
    for number in range(5):
        shared.keep(number, number, 1)
    assert [shared.get(number) for number in range(5)] == [None, None, 2, 3, 4]


def test_the_oldest_go_where_they_weigh_too_much() -> None:
    shared: Shared[int, int] = Shared(room=10)
    for number in range(4):
        shared.keep(number, number, 4)
    shared.keep(3, 3, 9)
    assert [shared.get(number) for number in range(4)] == [None, None, None, 3]


def test_what_is_too_heavy_by_itself_is_not_kept_and_costs_no_other_its_place() -> None:
    shared: Shared[str, str] = Shared(room=10)
    shared.keep("light", "light", 1)
    shared.keep("heavy", "heavy", 11)
    assert (shared.get("light"), shared.get("heavy")) == ("light", None)


def test_many_threads_find_what_they_keep_or_nothing() -> None:
    shared: Shared[int, int] = Shared(room=500, most=50)
    wrong: list[object] = []

    def work(first: int) -> None:
        for number in range(first, first + 3000):
            shared.keep(number % 100, number % 100, 1 + number % 20)
            found = shared.get(number % 100)
            if found not in (None, number % 100):
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(each,)) for each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert shared._weight == sum(weight for _, weight in shared._kept.values()) <= 500
