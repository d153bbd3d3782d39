import os

from openai import OpenAI

client = OpenAI(base_url=os.environ["SERANTAU_BASE_URL"], api_key=os.environ["SERANTAU_API_KEY"])
answer = client.responses.create(
    model=os.environ["SERANTAU_MODEL"],
    input="What is the capital of Malaysia?",
    temperature=0,
    max_output_tokens=24,
)
print(answer.output_text)
