"""LlamaIndex."""

import os
from typing import Literal

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel, Field

# docs: llama-index-llms-openai-like
from llama_index.llms.openai_like import OpenAILike

llm = OpenAILike(
    api_base=os.environ["SERANTAU_BASE_URL"],
    api_key=os.environ["SERANTAU_API_KEY"],
    model=os.environ["SERANTAU_MODEL"],
    context_window=1024,
    is_chat_model=True,
    is_function_calling_model=True,
    temperature=0,
)
# docs: end

question = [ChatMessage(role="user", content="What is the capital of Malaysia?")]
City = Literal["Kuala Lumpur", "Jakarta", "Bangkok"]


def weather(city: City, unit: Literal["celsius", "fahrenheit"]) -> str:
    """The weather of a city now"""
    return f"31 degrees {unit} in {city}"


get_weather = FunctionTool.from_defaults(weather, name="get_weather")


class Forecast(BaseModel):
    """The weather to come"""

    city: City
    rain: bool
    days: list[Literal["Monday", "Tuesday", "Wednesday"]] = Field(min_length=1, max_length=3)


def whole():
    answer = llm.chat(question, max_tokens=24)
    return [answer.message.content, answer.raw.usage.completion_tokens]


def streamed():
    text, tokens = "", None
    options = {"include_usage": True}
    for chunk in llm.stream_chat(question, max_tokens=24, stream_options=options):
        text += chunk.delta or ""
        tokens = chunk.raw.usage.completion_tokens if chunk.raw.usage else tokens
    return [text, tokens]


def call():
    answer = llm.chat_with_tools(
        [get_weather],
        user_msg="How warm is it in Jakarta?",
        tool_choice={"type": "function", "function": {"name": "get_weather"}},
        max_tokens=128,
    )
    called = llm.get_tool_calls_from_response(answer)[0]
    return [called.tool_name, called.tool_kwargs]


def streamed_call():
    *_, answer = llm.stream_chat_with_tools(
        [get_weather],
        user_msg="How warm is it in Jakarta?",
        tool_choice={"type": "function", "function": {"name": "get_weather"}},
        max_tokens=128,
    )
    called = llm.get_tool_calls_from_response(answer)[0]
    return [called.tool_name, called.tool_kwargs]


def forecast():
    asked = ChatMessage(role="user", content="Will it rain in Bangkok on Monday?")
    return llm.as_structured_llm(Forecast).chat([asked]).raw.model_dump()


def unknown_model():
    llm.chat(question, model="no-such-model")


def wrong_value():
    llm.chat(question, temperature=9)
