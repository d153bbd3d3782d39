import json
import os
from urllib.request import Request, urlopen

request = Request(
    os.environ["SERANTAU_BASE_URL"].removesuffix("/v1") + "/detokenize",
    data=json.dumps({"model": os.environ["SERANTAU_MODEL"], "tokens": [504, 5181, 282]}).encode(),
    headers={
        "Authorization": f"Bearer {os.environ['SERANTAU_API_KEY']}",
        "Content-Type": "application/json",
    },
)
with urlopen(request) as response:
    print(json.load(response)["prompt"])
