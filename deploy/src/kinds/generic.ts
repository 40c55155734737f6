import type { KubeObject } from '../release/objects.ts'
import { type KindRule, current, doomed, progressing } from './assessment.ts'

const TIMEOUT = 60_000

interface Condition {
  type: string
  status: string
  reason?: string
  message?: string
}

/**
 * For kinds without a rule of their own: the standard conditions Stalled, Reconciling and Ready; without them an object that exists is current.
 * Source: https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
 */
export const genericRule: KindRule = {
  assess(object: KubeObject) {
    const { phase, conditions = [] } = (object['status'] ?? {}) as { phase?: string; conditions?: Condition[] }
    if (phase === 'Terminating') return doomed('Terminating', 'is being deleted')
    const condition = (type: string) => conditions.find((entry) => entry.type === type)
    const text = ({ message, reason, type }: Condition): string => message ?? reason ?? type
    const stalled = condition('Stalled')
    if (stalled?.status === 'True') return doomed(stalled.reason ?? 'Stalled', text(stalled))
    const reconciling = condition('Reconciling')
    if (reconciling?.status === 'True') return progressing(reconciling.reason ?? 'Reconciling', text(reconciling))
    const ready = condition('Ready') ?? condition('Established')
    if (ready !== undefined && ready.status !== 'True') return progressing(ready.reason ?? 'NotReady', text(ready))
    return current(ready === undefined ? 'exists' : 'ready')
  },
  timeoutMs: () => TIMEOUT,
}
