import * as pulumi from '@pulumi/pulumi'

/** What a program registered, in order. */
export interface Registered {
  type: string
  name: string
  inputs: Record<string, unknown>
}

type Ask = (inputs: Record<string, unknown>) => Record<string, unknown>

const options = new Map<string, pulumi.CustomResourceOptions>()

/** Options that the program gave to a resource of a stand-in below. */
export const optionsOf = (name: string): pulumi.CustomResourceOptions => options.get(name) ?? {}

/** Pulumi's own mocks: records resources, and answers questions by the token of their function. */
export async function mockClouds(answers: Readonly<Record<string, Ask>>): Promise<Registered[]> {
  const registered: Registered[] = []
  options.clear()
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs }) => {
      registered.push({ type, name, inputs })
      return { id: `${name}-id`, state: inputs }
    },
    call: ({ token, inputs }) => {
      const answer = answers[token]
      if (answer === undefined) throw new Error(`no answer to ${token}`)
      return answer(inputs)
    },
  })
  return registered
}

/** What a question ends with when the cloud refuses it: the engine hands the words over in `details`. */
export const refusal = (token: string, words: string): Error => {
  const details = `invocation of ${token} returned an error: invoking ${token}: 1 error occurred:\n\t* ${words}`
  return Object.assign(new Error(details), { details })
}

/** What was registered once the program's resources have come to rest. */
export async function settled(registered: readonly Registered[], atLeast: number): Promise<void> {
  for (let turns = 0; turns < 200 && registered.length < atLeast; turns++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Stands in for a class of a package that is not installed: the type is the package's own. */
function resourceClass(type: string) {
  return class extends pulumi.CustomResource {
    constructor(name: string, args: pulumi.Inputs, opts?: pulumi.CustomResourceOptions) {
      super(type, name, args, opts)
      options.set(name, opts ?? {})
    }
  }
}

function providerClass(name: string) {
  return class extends pulumi.ProviderResource {
    constructor(urnName: string, args: pulumi.Inputs, opts?: pulumi.ResourceOptions) {
      super(name, urnName, args, opts)
    }
  }
}

const question = (token: string) => (args: pulumi.Inputs, opts: pulumi.InvokeOptions) =>
  pulumi.runtime.invoke(token, args, opts)

export const AWS = {
  provider: { default: { Provider: providerClass('aws') } },
  nodeGroup: { default: { NodeGroup: resourceClass('aws:eks/nodeGroup:NodeGroup') } },
  getSubnet: { default: { getSubnet: question('aws:ec2/getSubnet:getSubnet') } },
}
export const GCP = {
  provider: { default: { Provider: providerClass('gcp') } },
  nodePool: { default: { NodePool: resourceClass('gcp:container/nodePool:NodePool') } },
  getCluster: { default: { getCluster: question('gcp:container/getCluster:getCluster') } },
}
export const AZURE = {
  provider: { default: { Provider: providerClass('azure-native') } },
  agentPool: { default: { AgentPool: resourceClass('azure-native:containerservice:AgentPool') } },
  getManagedCluster: {
    default: {
      getManagedCluster: question('azure-native:containerservice:getManagedCluster'),
    },
  },
}
