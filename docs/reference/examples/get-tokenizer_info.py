import json
import os
from urllib.request import Request, urlopen

request = Request(
    os.environ["SERANTAU_BASE_URL"].removesuffix("/v1")
    + "/tokenizer_info?model="
    + os.environ["SERANTAU_MODEL"],
    headers={"Authorization": f"Bearer {os.environ['SERANTAU_API_KEY']}"},
)
with urlopen(request) as response:
    print(json.load(response)["vocab_size"])
