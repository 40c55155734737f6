import type { V1Job } from '@kubernetes/client-node'
import type { KubeObject, Wire } from '../release/objects.ts'
import { type KindRule, current, doomed, ownedBy, progressing } from './assessment.ts'
import { assessPod, isReady, restartsOf } from './pod.ts'
import { createFaultFromEvents } from './replicaset.ts'

/** For a Job that sets no activeDeadlineSeconds. */
const TIMEOUT = 300_000
/** The controller reports the deadline itself; this much later the deployer stops waiting for that report. */
const MARGIN = 10_000

type Job = Wire<V1Job>

/**
 * A Job is current when it is complete, not when it has started. A pod that ends with an error is the Job's own business
 * (backoffLimit); a pod that cannot start is not.
 * The controller counts ended pods in batches of a second and tells that the Job is complete after another: that as many pods
 * have succeeded as the Job wants is known before.
 * Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/#terminal-job-conditions
 */
export const jobRule: KindRule = {
  assess(object, children, events, now, judging) {
    const job = object as unknown as Job
    const condition = (type: string) => job.status?.conditions?.find((entry) => entry.type === type && entry.status === 'True')
    if (condition('Complete')) return current('complete', 'Complete')
    const failed = condition('Failed') ?? condition('FailureTarget')
    const pods = ownedBy(job, children.pods)
    if (failed) {
      const exits = pods.flatMap((pod) => pod.status?.containerStatuses ?? []).flatMap(({ name, state }) => (state?.terminated && state.terminated.exitCode !== 0 ? [`container ${name} ended with exit code ${state.terminated.exitCode}`] : []))
      const detail = [failed.message, exits.at(-1)].filter((text) => text !== undefined && text !== '').join('; ')
      return doomed(failed.reason ?? 'Failed', `the Job failed: ${detail}`, pods.at(-1)?.metadata?.name)
    }
    const succeeded = pods.filter(({ status }) => status?.phase === 'Succeeded').length
    if (succeeded >= (job.spec?.completions ?? 1)) return current('its pods have succeeded', 'Succeeded')
    if (job.spec?.suspend === true) return progressing('Suspended', 'the Job is suspended')
    for (const pod of pods) {
      if (pod.status?.phase === 'Failed') continue
      const verdict = assessPod(pod, events, now, judging)
      if (verdict.state === 'doomed') return verdict
    }
    if (pods.length === 0) {
      const blocked = createFaultFromEvents(job, events, now, judging)
      if (blocked !== undefined) return blocked
    }
    const failures = job.status?.failed ?? 0
    return progressing('Running', `running${failures === 0 ? '' : `, ${failures} failed ${failures === 1 ? 'try' : 'tries'}`}`)
  },
  timeoutMs(object: KubeObject) {
    const seconds = (object as unknown as Job).spec?.activeDeadlineSeconds
    return seconds === undefined ? TIMEOUT : seconds * 1000 + MARGIN
  },
  counts(object, children) {
    const job = object as unknown as Job
    const pods = ownedBy(job, children.pods)
    return {
      desired: job.spec?.completions ?? 1,
      updated: pods.length,
      ready: pods.filter(isReady).length + (job.status?.succeeded ?? 0),
      old: 0,
      restarts: pods.reduce((sum, pod) => sum + restartsOf(pod), 0),
    }
  },
  newPods: (object, children) => ownedBy(object, children.pods),
}
