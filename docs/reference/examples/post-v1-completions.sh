curl --silent --fail-with-body "$SERANTAU_BASE_URL/completions" \
  --header "Authorization: Bearer $SERANTAU_API_KEY" \
  --json '{
    "model": "'"$SERANTAU_MODEL"'",
    "prompt": "The capital of Malaysia is",
    "temperature": 0,
    "max_tokens": 16
  }'
