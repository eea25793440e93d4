"""Facts about a table that are known before it is read: its label and types, its columns of text."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from naiad.trainer.data.column_types import ColumnType, TypeName
from naiad.trainer.data.sources.csv_file import TextColumns


@dataclass(frozen=True)
class TableOptions:
    """Facts about a table that are known before it is read."""

    label: str | None = None
    """The label column; None takes the column ``label``, ``target`` or ``class``, if there is one."""
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    """Types that the user gives, by column."""
    text_columns: TextColumns = field(default_factory=dict)
    """Columns of a CSV file that are text, as the training split or a trained model has them."""
    pairs_are_tables: bool = False
    """Whether a frame of numbers in ``(frame, y)`` is a table, as the trained model takes one, rather than an array."""

    @property
    def all_text_columns(self) -> TextColumns:
        """``text_columns`` with the types that have to see a cell as it is written; ``text`` takes every word for a value."""
        as_written = {
            name: None if column.name is TypeName.TEXT else frozenset[str]()
            for name, column in self.types.items()
            if column.name in (TypeName.TEXT, TypeName.CATEGORY, TypeName.IMAGE)
            or column.number_format is not None
            or column.date_format is not None
        }
        return {**self.text_columns, **as_written}

    @property
    def index_columns(self) -> set[str]:
        """Names that are columns even where a frame has them as its index."""
        return {*self.types, *self.text_columns, *(() if self.label is None else (self.label,))}


DEFAULT_TABLE_OPTIONS = TableOptions()
