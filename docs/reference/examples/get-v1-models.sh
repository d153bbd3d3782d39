curl --silent --fail-with-body "$SERANTAU_BASE_URL/models" \
  --header "Authorization: Bearer $SERANTAU_API_KEY"
