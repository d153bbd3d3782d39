import os

from openai import OpenAI

client = OpenAI(base_url=os.environ["SERANTAU_BASE_URL"], api_key=os.environ["SERANTAU_API_KEY"])
answer = client.completions.create(
    model=os.environ["SERANTAU_MODEL"],
    prompt="The capital of Malaysia is",
    temperature=0,
    max_tokens=16,
)
print(answer.choices[0].text)
