// The allowed directions between the rooms. Each comment says where the code belongs instead.
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

module.exports = {
  forbidden: [
    rule('no-cycles', 'Move what both need into a file of its own.', {}, { circular: true }),
    rule(
      'catalog-is-a-leaf',
      'catalog/ holds contracts and data: logic that needs more than zod belongs in the room that uses it.',
      { path: '^catalog/' },
      { pathNot: ['^catalog/', '^node_modules/zod/'] },
    ),
    rule(
      'weights-knows-catalog-only',
      'weights/ judges files: deployment belongs in infra/, serving in server/.',
      { path: '^weights/' },
      { path: '^(infra|server|cli)/' },
    ),
    rule(
      'infra-knows-no-server',
      'What infra/ and server/ must agree on belongs in catalog/.',
      { path: '^infra/' },
      { path: '^(server|cli)/' },
    ),
    rule(
      'server-knows-no-infra',
      'What infra/ and server/ must agree on belongs in catalog/; Pulumi stays out of the image.',
      { path: '^server/' },
      { path: ['^(infra|cli)/', '^node_modules/@pulumi/'] },
    ),
    rule(
      'cli-talks-http-to-a-server',
      'The CLI asks a running server over HTTP; shared shapes belong in catalog/.',
      { path: '^cli/' },
      { path: '^server/' },
    ),
    rule(
      'gateway-knows-no-model',
      'The two roles speak HTTP; what both do on every request belongs in server/plugins/.',
      { path: '^server/gateway/' },
      { path: '^server/model/' },
    ),
    rule(
      'model-knows-no-gateway',
      'The two roles speak HTTP; what both do on every request belongs in server/plugins/.',
      { path: '^server/model/' },
      { path: '^server/gateway/' },
    ),
    rule(
      'model-sees-the-seam-only',
      'The model role knows the interface in engine/engine.ts; main.ts wires the implementation.',
      { path: '^server/model/' },
      { path: '^server/engine/', pathNot: '^server/engine/engine\\.ts$' },
    ),
    rule(
      'openai-is-pure',
      'server/openai/ is wire format: HTTP belongs in model/ or plugins/, tokens in engine/.',
      { path: '^server/openai/' },
      { path: ['^server/(?!openai/)', '^node_modules/(fastify|node-llama-cpp)/'] },
    ),
    rule(
      'engine-knows-no-http',
      'server/engine/ is tokens and slots: HTTP belongs in model/ or plugins/, wire format in openai/.',
      { path: '^server/engine/' },
      { path: ['^server/(gateway|model|plugins|openai)/', '^node_modules/fastify/'] },
    ),
    rule(
      'one-importer-of-the-native-engine',
      'Native code may abort the process: only the engine process imports node-llama-cpp.',
      {
        path: '^(server|infra|cli|weights|catalog)/',
        pathNot: '^server/engine/bindings\\.ts$',
      },
      { path: '^node_modules/node-llama-cpp/' },
    ),
    rule(
      'composition-root-is-the-top',
      'infra/index.ts imports the rooms, never the other way round; workspace.ts hands it to Pulumi.',
      { path: '^(infra|cli)/', pathNot: '^infra/(workspace\\.ts|main\\.js)$' },
      { path: '^infra/index\\.ts$' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.json'] },
  },
}
