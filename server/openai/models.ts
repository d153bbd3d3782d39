export interface ListedModel {
  id: string
  created: number
  digest: string
  licence: string
}

/** One model as `/v1/models` shows it; `digest` and `licence` are ours. */
export const modelBody = ({ id, created, digest, licence }: ListedModel) => ({
  id,
  object: 'model',
  created,
  owned_by: 'serantau',
  digest: `sha256:${digest}`,
  licence,
})

export const modelListBody = (models: readonly ListedModel[]) => ({
  object: 'list',
  data: models.map(modelBody),
})
