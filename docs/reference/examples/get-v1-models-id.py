import os

from openai import OpenAI

client = OpenAI(base_url=os.environ["SERANTAU_BASE_URL"], api_key=os.environ["SERANTAU_API_KEY"])
model = client.models.retrieve(os.environ["SERANTAU_MODEL"])
# Which weights answer, and under which licence: no fields of OpenAI's.
print(model.digest, model.licence)
