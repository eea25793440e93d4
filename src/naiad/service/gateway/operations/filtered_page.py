"""A page of entities by a filter that the store does not know."""

from collections.abc import Callable
from dataclasses import replace

from naiad.service.domain.entity import Entity
from naiad.service.store.entity_port import EntityPage, EntityQuery


def filtered_page(
    find: Callable[[EntityQuery], EntityPage], query: EntityQuery, passes: Callable[[Entity], bool]
) -> tuple[list[Entity], str | None]:
    """Returns the entities of a page, and the next token. Reads further pages until one is full."""
    found: list[Entity] = []
    token = query.next_token
    while True:
        page = find(replace(query, next_token=token, limit=query.limit - len(found)))
        found += [entity for entity in page.entities if passes(entity)]
        token = page.next_token
        if token is None or len(found) == query.limit:
            return found, token
