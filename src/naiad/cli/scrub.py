"""``naiad scrub``: compares everything that a server keeps with its checksums."""

import typer

from naiad.cli import options
from naiad.cli.output import print_json, print_line
from naiad.errors import FolderError
from naiad.extras import require_extra
from naiad.home import find_state_folder

_STEP_BYTES = 2**26


def scrub(state: options.StateOption = None, as_json: options.JsonOption = False) -> None:
    """Read all objects and the database of a server on this machine, and name what is damaged. The server may run.

    The exit status is 1 where something is damaged.
    """
    require_extra("service")
    from naiad.service.blobs.damage_log import DamageLog
    from naiad.service.blobs.scrubber import Scrubber
    from naiad.service.blobs.store_folder import StoreFolder
    from naiad.service.store.open import FILE_NAME
    from naiad.service.store.row_check import find_first_damage

    folder = find_state_folder(state).absolute()
    if not (folder / "keys.json").exists():
        raise FolderError(f"no server has run on {folder}", hint="name its state folder: --state")
    scrubber = Scrubber(StoreFolder(folder / "blobs", DamageLog()))
    while scrubber.step(_STEP_BYTES):
        pass
    totals, damaged = scrubber.totals, scrubber.damage.objects
    database = find_first_damage(folder / FILE_NAME)
    if as_json:
        found = [{"bucket": bucket, "key": key, "reason": reason} for (bucket, key), reason in damaged.items()]
        counts = {"objects": totals.objects, "bytes": totals.size_bytes, "without_checksum": totals.without_sums}
        print_json({**counts, "damaged": found, "database": database})
    else:
        print_line(f"{totals.objects:,} objects, {totals.size_bytes:,} bytes: {len(damaged)} damaged")
        if totals.without_sums:
            print_line(f"{totals.without_sums:,} objects of an older version have no checksum")
        for (bucket, key), reason in damaged.items():
            print_line(f"damaged: s3://{bucket}/{key}: {reason}")
        if database is not None:
            print_line(f"damaged: the database: {database}")
    if damaged or database is not None:
        raise typer.Exit(1)
