"""Asks POST /api/v1/sql for Arrow, and prints what pyarrow makes of it. Arguments: the receiver's URL, the query."""

import json
import sys
import urllib.request

import pyarrow.ipc

url, query = sys.argv[1:]
request = urllib.request.Request(
    f"{url}/api/v1/sql",
    json.dumps({"query": query, "format": "arrow"}).encode(),
    {"Content-Type": "application/json"},
)
with urllib.request.urlopen(request) as response:
    table = pyarrow.ipc.open_stream(response).read_all()
print(json.dumps({
    "types": [str(field.type) for field in table.schema],
    "rows": [[str(value) for value in row.values()] for row in table.to_pylist()],
}))
