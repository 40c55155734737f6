import { stringify } from 'yaml'
import { type Clock, poll } from '../_poll.ts'
import type { Cluster } from '../cluster/client.ts'
import { BadInput, DeployError } from '../errors.ts'
import { MANAGER } from '../release/identity.ts'
import type { KubeObject, RenderedObject } from '../release/objects.ts'

const ACCOUNT = 'deployer'
const TOKEN_SECRET = 'deployer-token'

/** What must be in a namespace before a deployer with the Role of that name can work there. */
const FIRST = new Set(['Namespace', `ServiceAccount ${ACCOUNT}`, `Role ${ACCOUNT}`, `RoleBinding ${ACCOUNT}`])

/** Kinds that the API server lets nobody create by server-side apply who may not also escalate or bind, not even with the permissions in them. */
const ADMINISTRATORS = ['Role', 'RoleBinding']

/** A token of the deployer's account that does not expire; deleting this Secret revokes it. */
function tokenSecret(namespace: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: TOKEN_SECRET, namespace, annotations: { 'kubernetes.io/service-account.name': ACCOUNT } },
    type: 'kubernetes.io/service-account-token',
  }
}

/**
 * What an administrator applies once, so that a pipeline needs no right outside the namespace.
 * @throws BadInput when the manifests lack a part of it
 */
export function bootstrapObjects(rendered: readonly RenderedObject[], namespace: string): KubeObject[] {
  const objects = rendered.map(({ object }) => object)
  const isFirst = ({ kind, metadata }: KubeObject): boolean => FIRST.has(kind) || FIRST.has(`${kind} ${metadata.name}`)
  const found = objects.filter(isFirst)
  if (found.length !== FIRST.size) throw new BadInput(`the manifests have ${found.length} of ${[...FIRST].join(', ')}`, { next: 'render the overlays of this repository' })
  const order = [...FIRST].map((name) => name.split(' ')[0])
  const needed = objects.filter((object) => isFirst(object) || ADMINISTRATORS.includes(object.kind))
  return [...needed.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)), tokenSecret(namespace)]
}

/** The objects as YAML, with what to do with them. */
export function bootstrapText(rendered: readonly RenderedObject[], environment: string, namespace: string): string {
  const head = [
    `# To be applied once by an administrator of the cluster, as the deployer itself would:`,
    `#   kubectl apply --server-side --field-manager=${MANAGER} -f <this file>`,
    `# Then the kubeconfig for the pipeline, which has the rights of the Role ${ACCOUNT} and no others:`,
    `#   todo-chat-deploy --env ${environment} --kubeconfig <the administrator's> access`,
  ]
  return `${head.join('\n')}\n${bootstrapObjects(rendered, namespace).map((object) => `---\n${stringify(object)}`).join('')}`.trimEnd()
}

/** The controller that fills the token in takes a moment. In ms. */
const PATIENCE = 30_000

/**
 * The token of the deployer's account.
 * @throws BadInput when the namespace was not bootstrapped
 */
export async function deployerToken(cluster: Cluster, clock: Clock, namespace: string, signal: AbortSignal): Promise<string> {
  const ref = { apiVersion: 'v1', kind: 'Secret', namespace, name: TOKEN_SECRET }
  const token = await poll(clock, { intervalMs: 500, timeoutMs: PATIENCE, signal }, async () => {
    const secret = await cluster.get(ref)
    if (secret === undefined) throw new BadInput(`namespace ${namespace} has no Secret ${TOKEN_SECRET}`, { object: ref, next: 'apply what `bootstrap` prints' })
    return ((secret['data'] ?? {}) as Record<string, string>)['token']
  })
  if (token === undefined) throw new DeployError(`Secret ${TOKEN_SECRET} got no token within ${PATIENCE / 1000} s`, { object: ref, next: `look whether ServiceAccount ${ACCOUNT} exists` })
  return Buffer.from(token, 'base64').toString()
}
