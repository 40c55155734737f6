import type { V2HorizontalPodAutoscaler } from '@kubernetes/client-node'
import type { Wire } from '../release/objects.ts'
import { type KindRule, current, progressing } from './assessment.ts'

const TIMEOUT = 60_000

/**
 * Missing metrics stop scaling, not serving, so they are told and do not block. A target that cannot be scaled does.
 * Source: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale-walkthrough/#appendix-horizontal-pod-autoscaler-status-conditions
 */
export const horizontalPodAutoscalerRule: KindRule = {
  assess(object) {
    const { status } = object as unknown as Wire<V2HorizontalPodAutoscaler>
    const condition = (type: string) => status?.conditions?.find((entry) => entry.type === type && entry.status === 'False')
    const unable = condition('AbleToScale')
    if (unable) return progressing(unable.reason ?? 'NotAble', unable.message ?? 'cannot scale its target')
    const inactive = condition('ScalingActive')
    if (inactive && inactive.reason !== 'ScalingDisabled') return current(`does not scale: ${inactive.message ?? inactive.reason ?? 'no reason given'}`, inactive.reason)
    return current(`${status?.currentReplicas ?? 0} replicas, ${status?.desiredReplicas ?? 0} wanted`)
  },
  timeoutMs: () => TIMEOUT,
}
