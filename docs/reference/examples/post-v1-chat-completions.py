import os

from openai import OpenAI

client = OpenAI(base_url=os.environ["SERANTAU_BASE_URL"], api_key=os.environ["SERANTAU_API_KEY"])
answer = client.chat.completions.create(
    model=os.environ["SERANTAU_MODEL"],
    messages=[{"role": "user", "content": "What is the capital of Malaysia?"}],
    temperature=0,
    max_tokens=24,
)
print(answer.choices[0].message.content)
