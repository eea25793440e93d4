"""The contract of store/port.py on each database: tags."""

import pytest

from naiad.service.domain.errors import ServiceError


def test_tags_are_added_replaced_and_removed(store):
    store.set_tags("arn:x", {"a": "1", "b": "", "ü ⚓": "🧜"})
    store.set_tags("arn:x", {"a": "2"})
    store.set_tags("arn:y", {"a": "3"})
    assert store.tags("arn:x") == {"a": "2", "b": "", "ü ⚓": "🧜"}
    store.remove_tags("arn:x", ["a", "not there"])
    store.remove_tags("arn:z", ["a"])
    store.remove_tags("arn:x", [])
    assert store.tags("arn:x") == {"b": "", "ü ⚓": "🧜"}
    assert store.tags("arn:y") == {"a": "3"}
    assert store.tags("arn:z") == {}


def test_text_that_is_not_unicode_is_refused(store):
    with pytest.raises(ServiceError):
        store.set_tags("arn:x", {"\ud800": "a"})
    assert store.tags("arn:x") == {}
