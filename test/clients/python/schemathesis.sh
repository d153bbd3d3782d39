# $1: the service. $2: the OpenAPI document. $3: examples an operation. $4: seed. $5: phases. $6: hooks.
export SCHEMATHESIS_HOOKS="$6"
if python -m schemathesis.cli run "$2" --url "$1" \
  --header "Authorization: Bearer $SERANTAU_API_KEY" \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
  --phases "$5" --max-examples "$3" --seed "$4" --generation-database none \
  --continue-on-failure --no-shrink --request-timeout 60 --warnings off
then echo 'found: nothing'
else
  # Another status: it could not do its work.
  [ $? -eq 1 ]
  echo 'found: failures'
fi
