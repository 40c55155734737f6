/** Opens the ways into the application that exist in a run, and closes them again. */
import { type Clock, systemClock } from '../_poll.ts'
import type { Entrances } from './application.ts'
import type { Cluster } from '../cluster/client.ts'
import { BadInput, ClusterError } from '../errors.ts'
import { ingressTarget } from '../cluster/http.ts'
import type { KubeObject } from '../release/objects.ts'
import { secretNeeds } from '../release/secrets.ts'
import { ServicePods } from './servicepods.ts'

/** Ports of the application's Services and pods. */
const PORTS = { backend: 8000, frontend: 8080, mcp: 8002 } as const

export interface IngressAddress {
  url: URL
  /** Host header, taken from the Ingress when it is not given. */
  host?: string
  /** @default true */
  verifyTls?: boolean
  /** Certificate authorities as PEM, instead of those that Node.js trusts. */
  ca?: string
}

export interface OpenEntrances extends AsyncDisposable {
  /** The ways in right now: pods are chosen anew at each call, since a rollout replaces them. */
  current(): Promise<Entrances>
}

/**
 * The host of the first Ingress rule that has one.
 * @throws BadInput when no Ingress is rendered
 */
export function ingressHost(objects: readonly KubeObject[]): string {
  for (const object of objects.filter(({ kind }) => kind === 'Ingress')) {
    const { rules = [] } = (object['spec'] ?? {}) as { rules?: { host?: string }[] }
    const host = rules.find(({ host }) => host !== undefined)?.host
    if (host !== undefined) return host
  }
  throw new BadInput('--ingress-url is given, but no rendered Ingress names a host', { next: 'give the host with --ingress-host' })
}

export function openEntrances(cluster: Cluster, namespace: string, objects: readonly KubeObject[], address?: IngressAddress, clock: Clock = systemClock): OpenEntrances {
  const ingress = address && ingressTarget(address.url, address.host ?? ingressHost(objects), address.verifyTls ?? true, address.ca)
  const podsOf = (name: keyof typeof PORTS): ServicePods => new ServicePods(cluster, clock, namespace, name, PORTS[name])
  const pods = { backend: podsOf('backend'), frontend: podsOf('frontend'), mcp: podsOf('mcp') }
  return {
    async current() {
      const [backend, frontend, mcp] = await Promise.all([pods.backend.isOpen(), pods.frontend.isOpen(), pods.mcp.isOpen()])
      return {
        ...(ingress && { ingress }),
        ...(backend && { backend: pods.backend }),
        ...(frontend && { frontend: pods.frontend }),
        ...(mcp && { mcp: pods.mcp }),
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([ingress, ...Object.values(pods)].map((target) => target?.close()))
    },
  }
}

const KEY = 'jwt-key'

/**
 * The key with which the pods of these objects check tokens: that of the release's own Secret, or of the Secret that somebody else
 * keeps under the name that the pods mount.
 * @returns `undefined` when there is none, or it may not be read
 */
export async function signingKeyOf(cluster: Cluster, namespace: string, objects: readonly KubeObject[]): Promise<Buffer | undefined> {
  const own = signingKey(objects)
  if (own !== undefined) return own
  const names = secretNeeds(objects).filter(({ keys }) => keys.has(KEY)).map(({ name }) => name)
  const kept = await Promise.all(names.map((name) => cluster.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }).catch(unlessForbidden)))
  return signingKey(kept.flatMap((secret) => secret ?? []))
}

function unlessForbidden(error: unknown): undefined {
  if (error instanceof ClusterError && error.code === 'forbidden') return undefined
  throw error
}

/** The application's token-signing key out of Secret objects, or `undefined` when none has it. */
export function signingKey(objects: readonly KubeObject[]): Buffer | undefined {
  for (const object of objects.filter(({ kind }) => kind === 'Secret')) {
    const key = ((object['data'] ?? {}) as Record<string, string>)[KEY]
    if (key !== undefined) return Buffer.from(Buffer.from(key, 'base64').toString().trim())
  }
  return undefined
}

