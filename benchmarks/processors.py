"""Runs another script of this folder as on older processors: with the instruction sets of all libraries capped together.

    python benchmarks/processors.py loop_overhead.py --rounds 5
    python benchmarks/processors.py --levels avx2 avx512 -- autoscale_nets.py --seeds 5

oneDNN, ATen and MKL each have a variable that caps what they use. A level that the processor lacks is named and not run. The
levels take turns only as whole scripts: compare the sides within one, not one level with another.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from naiad.trainer.machine.device import cpu_flags

LEVELS = {
    "as it is": ("", {}),
    "avx2": (
        "avx2",
        {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    ),
    "avx512": (
        "avx512f",
        {
            "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI",
            "ATEN_CPU_CAPABILITY": "avx512",
            "MKL_ENABLE_INSTRUCTIONS": "AVX512",
        },
    ),
    "avx512_bf16": ("avx512_bf16", {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16", "ATEN_CPU_CAPABILITY": "avx512"}),
    "amx": ("amx_bf16", {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_AMX", "ATEN_CPU_CAPABILITY": "avx512"}),
}
"""The processor's flag that a level needs, and the variables that cap the libraries."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", nargs="+", choices=LEVELS, default=list(LEVELS))
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    statuses = []
    for level in options.levels:
        flag, variables = LEVELS[level]
        print(f"# {level}: {' '.join(f'{name}={value}' for name, value in variables.items())}", flush=True)
        if flag and flag not in cpu_flags():
            print("not run: this processor lacks it", flush=True)
            continue
        command = [sys.executable, str(Path(__file__).with_name(options.script)), *options.arguments]
        statuses.append(subprocess.run(command, env={**os.environ, **variables}, check=False).returncode)
    return max(statuses, default=0)


if __name__ == "__main__":
    sys.exit(main())
