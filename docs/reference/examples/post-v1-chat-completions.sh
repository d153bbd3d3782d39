curl --silent --fail-with-body "$SERANTAU_BASE_URL/chat/completions" \
  --header "Authorization: Bearer $SERANTAU_API_KEY" \
  --json '{
    "model": "'"$SERANTAU_MODEL"'",
    "messages": [{"role": "user", "content": "What is the capital of Malaysia?"}],
    "temperature": 0,
    "max_tokens": 24
  }'
