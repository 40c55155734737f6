/** Opens the ways into the application that exist in a run, and closes them again. */
import { type Clock, systemClock } from '../_poll.ts'
import type { Entrances, Proof } from './application.ts'
import type { Cluster } from '../cluster/client.ts'
import { BadInput } from '../errors.ts'
import { ingressTarget } from '../cluster/http.ts'
import type { KubeObject } from '../release/objects.ts'
import { ServicePods } from './servicepods.ts'

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
  /** What is asked through them. */
  readonly proof: Proof
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

export function openEntrances(proof: Proof, cluster: Cluster, namespace: string, objects: readonly KubeObject[], address?: IngressAddress, clock: Clock = systemClock): OpenEntrances {
  const ingress = address && ingressTarget(address.url, address.host ?? ingressHost(objects), address.verifyTls ?? true, address.ca)
  const pods = Object.entries(proof.services).map(([name, port]) => [name, new ServicePods(cluster, clock, namespace, name, port)] as const)
  return {
    proof,
    async current() {
      const open = await Promise.all(pods.map(async ([name, target]) => ((await target.isOpen()) ? [[name, target] as const] : [])))
      return { ...(ingress && { ingress }), ...Object.fromEntries(open.flat()) }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([ingress, ...pods.map(([, target]) => target)].map((target) => target?.close()))
    },
  }
}
