/**
 * Architectures whose heads llama.cpp turns whole: it ends the process where `rope.dimension_count` says otherwise
 * (`GGML_ASSERT(n_embd_head == n_rot)` in its src/models, and what it tests when it loads).
 */
export const WHOLE_HEADS: ReadonlySet<string> = new Set([
  ...['apertus', 'arcee', 'arctic', 'baichuan', 'chameleon', 'codeshell', 'cogvlm', 'cohere2moe'],
  ...[
    'dbrx',
    'deci',
    'deepseek',
    'dots1',
    'dream',
    'ernie4_5',
    'ernie4_5-moe',
    'exaone',
    'exaone4',
  ],
  ...['exaone-moe', 'falcon', 'granite', 'granite_swa', 'granitemoe', 'graniteswitch', 'grok'],
  ...['grovemoe', 'hunyuan-dense', 'hunyuan-moe', 'hunyuan_vl', 'hy_v3', 'internlm2', 'jais2'],
  ...['llada', 'llada-moe', 'llama', 'llama4', 'llama-embed', 'maincoder', 'mellum', 'minicpm'],
  ...['mistral3', 'olmo', 'olmo2', 'olmoe', 'orion', 'paddleocr', 'pangu-embedded', 'plamo'],
  ...['pockettts', 'qwen2', 'qwen2moe', 'qwen2vl', 'qwen3', 'qwen3moe', 'qwen3vl', 'qwen3vlmoe'],
  ...['rnd1', 'seed_oss', 'smallthinker', 'smollm3', 'starcoder2', 'talkie', 'xverse'],
])
