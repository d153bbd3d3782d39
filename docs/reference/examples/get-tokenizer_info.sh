curl --silent --fail-with-body "${SERANTAU_BASE_URL%/v1}/tokenizer_info?model=$SERANTAU_MODEL" \
  --header "Authorization: Bearer $SERANTAU_API_KEY"
