"""Drain3 with its defaults over lines of a file: FILE RUNS. Prints one JSON line with the seconds of each run."""
import json
import sys
import time

from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig

with open(sys.argv[1], encoding="utf-8") as file:
    lines = file.read().splitlines()
seconds = []
for _ in range(int(sys.argv[2])):
    miner = TemplateMiner(config=TemplateMinerConfig())
    started = time.perf_counter()
    for line in lines:
        miner.add_log_message(line)
    seconds.append(time.perf_counter() - started)
print(json.dumps({"lines": len(lines), "seconds": seconds, "templates": len(miner.drain.clusters)}))
