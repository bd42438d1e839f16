"""Asks a lake with DuckDB's Python package: a catalogue's path as argument, then a query per line of standard input,
as a JSON string. Answers each with a line of JSON. With --hold, one session answers all; else each opens and closes."""

import json
import sys
import time

import duckdb


def answer(query: str) -> dict:
    global held
    started = time.perf_counter()
    try:
        session = held or duckdb.connect(path, read_only=True, config={"threads": 1})
        opened = time.perf_counter()
        rows = session.execute(query).fetchall()
        if hold:
            held = session
        else:
            session.close()
        return {"rows": rows, "openMs": (opened - started) * 1000, "ms": (time.perf_counter() - started) * 1000}
    except Exception as error:  # Whatever it is, it is a question that failed.
        return {"error": str(error)}


hold = "--hold" in sys.argv
path = sys.argv[1]
held = None
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
