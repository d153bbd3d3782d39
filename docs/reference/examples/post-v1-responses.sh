curl --silent --fail-with-body "$SERANTAU_BASE_URL/responses" \
  --header "Authorization: Bearer $SERANTAU_API_KEY" \
  --json '{
    "model": "'"$SERANTAU_MODEL"'",
    "input": "What is the capital of Malaysia?",
    "temperature": 0,
    "max_output_tokens": 24
  }'
