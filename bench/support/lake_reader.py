"""A reader of the lake for bench/lake.ts, with DuckDB's own Python package: the same as lake-reader.ts."""

import json
import sys
import threading
import time

import duckdb

QUESTION = """SELECT (SELECT count(*) FROM usage_records),
  (SELECT sum(record_value) FROM usage_records WHERE customer_id = 'customer-0017')"""

over = threading.Event()


def wait_for_end() -> None:
    sys.stdin.read()
    over.set()


threading.Thread(target=wait_for_end, daemon=True).start()
while not over.is_set():
    at = time.time() * 1000
    started = time.perf_counter()
    result = {"at": at, "count": 0}
    try:
        connection = duckdb.connect(sys.argv[1], read_only=True, config={"threads": 1})
        result["count"] = connection.execute(QUESTION).fetchone()[0]
        connection.close()
    except Exception as error:  # Whatever it is, it is a question that failed.
        result["error"] = str(error)
    result["ms"] = (time.perf_counter() - started) * 1000
    print(json.dumps(result), flush=True)
    over.wait(0.2)
