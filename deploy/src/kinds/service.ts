import type { V1Service } from '@kubernetes/client-node'
import type { Wire } from '../release/objects.ts'
import { type KindRule, current, eventsOf, progressing } from './assessment.ts'

/** Clouds need minutes for a load balancer. */
const TIMEOUT = 300_000

/**
 * A Service has no readiness of its own; whether it answers is asked by verification. Only a load balancer takes time.
 * Source: https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer
 */
export const serviceRule: KindRule = {
  assess(object, _children, events) {
    const service = object as unknown as Wire<V1Service>
    if (service.spec?.type !== 'LoadBalancer') return current('exists')
    const addresses = (service.status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname)
    if (addresses.length > 0) return current(`load balancer at ${addresses.join(', ')}`)
    return progressing('NoLoadBalancer', eventsOf(service.metadata?.uid, events).at(-1)?.message ?? 'the load balancer has no address yet')
  },
  timeoutMs: () => TIMEOUT,
}
