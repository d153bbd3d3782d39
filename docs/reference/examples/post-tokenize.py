import json
import os
from urllib.request import Request, urlopen

request = Request(
    os.environ["SERANTAU_BASE_URL"].removesuffix("/v1") + "/tokenize",
    data=json.dumps({"model": os.environ["SERANTAU_MODEL"], "prompt": "selamat pagi"}).encode(),
    headers={
        "Authorization": f"Bearer {os.environ['SERANTAU_API_KEY']}",
        "Content-Type": "application/json",
    },
)
with urlopen(request) as response:
    print(*json.load(response)["tokens"])
