curl --silent --fail-with-body "$SERANTAU_BASE_URL/embeddings" \
  --header "Authorization: Bearer $SERANTAU_API_KEY" \
  --json '{"model": "'"$SERANTAU_MODEL"'", "input": ["selamat pagi", "good morning"]}'
