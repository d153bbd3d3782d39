curl --silent --fail-with-body "$SERANTAU_BASE_URL/models/$SERANTAU_MODEL" \
  --header "Authorization: Bearer $SERANTAU_API_KEY"
