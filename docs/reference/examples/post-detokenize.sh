curl --silent --fail-with-body "${SERANTAU_BASE_URL%/v1}/detokenize" \
  --header "Authorization: Bearer $SERANTAU_API_KEY" \
  --json '{"model": "'"$SERANTAU_MODEL"'", "tokens": [504, 5181, 282]}'
