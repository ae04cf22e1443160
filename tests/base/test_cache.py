"""Threads reuse what one of them has made of a record, within a bounded number and weight of values."""

import threading

from spancast.base.cache import WeightedCache


def test_what_is_entries_is_found_until_another_takes_its_place() -> None:
    cache: WeightedCache[str, str] = WeightedCache(max_weight=10)
    assert cache.get("a") is None
    cache.put("a", "first", 1)
    cache.put("a", "second", 1)
    assert cache.get("a") == "second"


def test_the_oldest_go_where_there_are_too_many() -> None:
    cache: WeightedCache[int, int] = WeightedCache(max_weight=100, max_entries=3)
    for number in range(5):
        cache.put(number, number, 1)
    assert [cache.get(number) for number in range(5)] == [None, None, 2, 3, 4]


def test_the_oldest_go_where_they_weigh_too_much() -> None:
    cache: WeightedCache[int, int] = WeightedCache(max_weight=10)
    for number in range(4):
        cache.put(number, number, 4)
    cache.put(3, 3, 9)
    assert [cache.get(number) for number in range(4)] == [None, None, None, 3]


def test_what_is_too_heavy_by_itself_is_not_entries_and_costs_no_other_its_place() -> None:
    cache: WeightedCache[str, str] = WeightedCache(max_weight=10)
    cache.put("light", "light", 1)
    cache.put("heavy", "heavy", 11)
    assert (cache.get("light"), cache.get("heavy")) == ("light", None)


def test_many_threads_find_what_they_keep_or_nothing() -> None:
    cache: WeightedCache[int, int] = WeightedCache(max_weight=500, max_entries=50)
    wrong: list[object] = []

    def work(first: int) -> None:
        for number in range(first, first + 3000):
            cache.put(number % 100, number % 100, 1 + number % 20)
            found = cache.get(number % 100)
            if found not in (None, number % 100):
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(each,)) for each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cache._weight == sum(weight for _, weight in cache._entries.values()) <= 500
