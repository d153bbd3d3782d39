import os

from openai import OpenAI

client = OpenAI(base_url=os.environ["SERANTAU_BASE_URL"], api_key=os.environ["SERANTAU_API_KEY"])
answer = client.embeddings.create(
    model=os.environ["SERANTAU_MODEL"], input=["selamat pagi", "good morning"]
)
for vector in answer.data:
    print(len(vector.embedding))
