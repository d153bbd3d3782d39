curl --silent --fail-with-body "${SERANTAU_BASE_URL%/v1}/tokenize" \
  --header "Authorization: Bearer $SERANTAU_API_KEY" \
  --json '{"model": "'"$SERANTAU_MODEL"'", "prompt": "selamat pagi"}'
