import { annotation, describeKey, isNamespaced, keyOfObject, typeOf } from './object-type.ts'
import { isObject, stringAt, type JsonObject } from './property-value.ts'

const DEPENDS_ON = 'config.kubernetes.io/depends-on'

/** An object of a chart, ready to be registered. */
export interface ChartObject {
  /** Name of the resource, unique in the stack. */
  name: string
  object: JsonObject
  /** Indices of the objects that must be there before. */
  after: number[]
  /** The chart wants it kept when the release goes. */
  keep: boolean
}

export interface ChartNaming {
  prefix: string
  /** For objects that name no namespace. */
  namespace: string
  skipAwait: boolean
}

/** Names the objects, puts each in its namespace, and orders them: what others need comes first. */
export function chartObjects(objects: readonly JsonObject[], naming: ChartNaming): ChartObject[] {
  const placed = objects.map((object) => prepare(object, naming))
  const rows = placed.map((object, index) => ({
    name: nameOf(object, naming.prefix),
    object,
    after: [...new Set(prerequisites(object, placed))].filter((other) => other !== index),
    keep: annotation(object, 'helm.sh/resource-policy') === 'keep',
  }))
  return inOrder(requireUnique(rows))
}

function prepare(object: JsonObject, naming: ChartNaming): JsonObject {
  const metadata = isObject(object['metadata']) ? object['metadata'] : {}
  if (!stringAt(metadata, 'name')) {
    throw new Error(
      `the chart rendered a ${stringAt(object, 'kind') ?? 'thing'} without metadata.name`,
    )
  }
  const type = typeOf(stringAt(object, 'apiVersion') ?? '', stringAt(object, 'kind') ?? '')
  const needsNamespace = isNamespaced(type) === true && !stringAt(metadata, 'namespace')
  const annotations = isObject(metadata['annotations']) ? metadata['annotations'] : {}
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(needsNamespace ? { namespace: naming.namespace } : {}),
      ...(naming.skipAwait
        ? { annotations: { ...annotations, 'pulumi.com/skipAwait': 'true' } }
        : {}),
    },
  }
}

function nameOf(object: JsonObject, prefix: string): string {
  const { name, namespace } = keyOfObject(object)
  const own = namespace ? `${namespace}/${name}` : name
  return prefix ? `${prefix}:${own}` : own
}

/** Two objects of one kind and name would be one resource to the engine. */
function requireUnique(rows: ChartObject[]): ChartObject[] {
  const seen = new Set<string>()
  for (const row of rows) {
    const key = keyOfObject(row.object)
    const id = `${key.apiVersion}/${key.kind}/${row.name}`
    if (seen.has(id)) {
      throw new Error(`the chart renders ${describeKey(key)} twice`)
    }
    seen.add(id)
  }
  return rows
}

function prerequisites(object: JsonObject, all: readonly JsonObject[]): number[] {
  const key = keyOfObject(object)
  const wishes = (annotation(object, DEPENDS_ON) ?? '')
    .split(',')
    .map((wish) => wish.trim())
    .filter(Boolean)
  const wished = wishes.map((wish) => {
    const index = all.findIndex((other) => referenceOf(other) === wish)
    if (index >= 0) return index
    throw new Error(
      `${describeKey(key)}: ${DEPENDS_ON} expects an object of the chart as group/namespaces/namespace/Kind/name, got ${wish}`,
    )
  })
  const needed = all.flatMap((other, index) => (isNeededBy(other, object) ? [index] : []))
  return [...wished, ...needed]
}

function referenceOf(object: JsonObject): string {
  const { group, kind, name, namespace } = keyOfObject(object)
  return namespace ? `${group}/namespaces/${namespace}/${kind}/${name}` : `${group}/${kind}/${name}`
}

/** A namespace comes before what stands in it, a definition before objects of its kind. */
function isNeededBy(other: JsonObject, object: JsonObject): boolean {
  const one = keyOfObject(other)
  const key = keyOfObject(object)
  if (one.group === '' && one.kind === 'Namespace') return key.namespace === one.name
  if (one.kind !== 'CustomResourceDefinition') return false
  return (
    stringAt(other, 'spec', 'group') === key.group &&
    stringAt(other, 'spec', 'names', 'kind') === key.kind
  )
}

/** Stable order in which everything stands after what it needs; `after` counts in the new order. */
function inOrder(rows: readonly ChartObject[]): ChartObject[] {
  const order: number[] = []
  const state = new Map<number, 'open' | 'done'>()
  const visit = (index: number) => {
    if (state.get(index) === 'done') return
    const row = rows[index]
    if (!row) return
    if (state.get(index) === 'open') {
      throw new Error(`${row.name}: the chart's objects depend on each other in a circle`)
    }
    state.set(index, 'open')
    row.after.forEach(visit)
    state.set(index, 'done')
    order.push(index)
  }
  rows.forEach((_, index) => visit(index))
  return order.flatMap((index) => {
    const row = rows[index]
    return row ? [{ ...row, after: row.after.map((other) => order.indexOf(other)) }] : []
  })
}
