# $1: folder with the task. $2: where the results go.
# docs: lm-eval
export OPENAI_API_KEY="$SERANTAU_API_KEY" HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1
python -m lm_eval run --model local-completions --model_args \
  "model=$SERANTAU_MODEL,base_url=$SERANTAU_BASE_URL/completions,tokenizer_backend=remote,auth_token=$SERANTAU_API_KEY,max_length=1024" \
  --include_path "$1" --tasks rights --batch_size 4 --output_path "$2" --log_samples
# docs: end
