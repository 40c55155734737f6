import type { V1Ingress } from '@kubernetes/client-node'
import type { Wire } from '../release/objects.ts'
import { type KindRule, current } from './assessment.ts'

const TIMEOUT = 30_000

/**
 * Controllers may or may not publish an address, so that its absence says nothing; whether the Ingress answers is asked by verification.
 * Source: https://kubernetes.io/docs/concepts/services-networking/ingress/
 */
export const ingressRule: KindRule = {
  assess(object) {
    const addresses = ((object as unknown as Wire<V1Ingress>).status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname)
    return current(addresses.length > 0 ? `published at ${addresses.join(', ')}` : 'exists, no address published')
  },
  timeoutMs: () => TIMEOUT,
}
