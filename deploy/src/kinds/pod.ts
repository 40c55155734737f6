import type { V1ContainerStatus } from '@kubernetes/client-node'
import type { KubeObject, Wire } from '../objects.ts'
import { type Assessment, type KindRule, type KubeEvent, type Pod, current, doomed, eventsOf, eventTime, progressing } from './assessment.ts'
import { doomOf } from './doom.ts'

const TIMEOUT = 120_000

type ContainerStatus = Wire<V1ContainerStatus>

export function podName(pod: Pod): string {
  return pod.metadata?.name ?? '(pod without a name)'
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

export function isTerminating(pod: Pod): boolean {
  return pod.metadata?.deletionTimestamp !== undefined
}

/** Init containers (sidecars among them) and containers, in the order in which they start. */
export function containerStatuses(pod: Pod): ContainerStatus[] {
  return [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
}

/** Restarts of all containers of the pod. */
export function restartsOf(pod: Pod): number {
  return containerStatuses(pod).reduce((sum, { restartCount }) => sum + restartCount, 0)
}

/**
 * Judges a pod that is meant to run, or to run to its end.
 * Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
 */
export function assessPod(pod: Pod, events: readonly KubeEvent[], now: number): Assessment {
  const name = podName(pod)
  const { phase, reason, message, conditions = [] } = pod.status ?? {}
  if (phase === 'Succeeded') return current('ended successfully', 'Succeeded')
  if (isTerminating(pod)) return progressing('Terminating', `pod ${name} is ending`)

  const ageMs = now - Date.parse(pod.status?.startTime ?? '')
  for (const status of containerStatuses(pod)) {
    const fault = containerFault(status, ageMs, now)
    if (fault) return doomed(fault.reason, `pod ${name}, container ${status.name}: ${fault.text}`, name)
  }
  if (phase === 'Failed') {
    const transient = reason !== undefined && ['Evicted', 'Preempting', 'NodeLost', 'Terminated', 'UnexpectedAdmissionError'].includes(reason)
    const text = `pod ${name} failed${reason === undefined ? '' : `: ${reason}`}${message === undefined ? '' : `: ${message}`}`
    return transient ? progressing(reason, text) : doomed(reason ?? 'Failed', text, name)
  }
  const scheduled = conditions.find(({ type }) => type === 'PodScheduled')
  if (scheduled?.status === 'False') {
    const text = `pod ${name} is not scheduled: ${scheduled.message ?? scheduled.reason ?? 'no reason given'}`
    const lasted = now - Date.parse(scheduled.lastTransitionTime ?? pod.metadata?.creationTimestamp ?? '')
    const why = doomOf('scheduling', scheduled.reason ?? '', scheduled.message ?? '', lasted)
    return why === undefined ? progressing(scheduled.reason ?? 'Pending', text) : doomed(scheduled.reason ?? 'Unschedulable', `${text} (${why})`, name)
  }
  const mount = mountFault(pod, events, now)
  if (mount !== undefined) return doomed('FailedMount', `pod ${name}: ${mount}`, name)
  if (isReady(pod)) return current(`pod ${name} is ready`, 'Ready')
  return progressing(...notReady(pod, events))
}

/** A waiting container does not say since when: it has been at most for the age of its pod. */
function containerFault(status: ContainerStatus, ageMs: number, now: number): { reason: string; text: string } | undefined {
  const { waiting, terminated } = status.state ?? {}
  const last = status.lastState?.terminated
  for (const ended of [terminated, last]) {
    if (!ended?.reason || ended.exitCode === 0) continue
    const why = doomOf('terminated', ended.reason, ended.message ?? '', now - Date.parse(ended.finishedAt ?? ''))
    if (why !== undefined) return { reason: ended.reason, text: `${ended.reason}${suffix(ended.message)}, exit code ${ended.exitCode} (${why})` }
  }
  if (waiting?.reason === undefined) return undefined
  const why = doomOf('waiting', waiting.reason, waiting.message ?? '', ageMs)
  if (why === undefined) return undefined
  const exit = last === undefined ? '' : `; last exit code ${last.exitCode}${last.reason === undefined ? '' : ` (${last.reason})`}`
  return { reason: waiting.reason, text: `${waiting.reason}${suffix(waiting.message)}${exit} (${why})` }
}

function suffix(message: string | undefined): string {
  return message === undefined || message === '' ? '' : `: ${message}`
}

/** A volume that cannot be mounted shows only in events. */
function mountFault(pod: Pod, events: readonly KubeEvent[], now: number): string | undefined {
  if (pod.status?.containerStatuses?.some(({ state }) => state?.running !== undefined)) return undefined
  for (const event of eventsOf(pod.metadata?.uid, events).reverse()) {
    const first = Date.parse(event.firstTimestamp ?? event.eventTime ?? '') || eventTime(event)
    const why = doomOf('event', event.reason ?? '', event.message ?? '', now - first)
    if (why !== undefined) return `${event.reason}: ${event.message} (${why})`
  }
  return undefined
}

function notReady(pod: Pod, events: readonly KubeEvent[]): [reason: string, message: string] {
  const name = podName(pod)
  for (const status of containerStatuses(pod)) {
    const { waiting, terminated } = status.state ?? {}
    if (waiting !== undefined) return [waiting.reason ?? 'Waiting', `pod ${name}, container ${status.name}: ${waiting.reason ?? 'waiting'}${suffix(waiting.message)}`]
    if (terminated !== undefined && terminated.exitCode !== 0) {
      return [terminated.reason ?? 'Terminated', `pod ${name}, container ${status.name} ended with exit code ${terminated.exitCode}`]
    }
  }
  const probe = eventsOf(pod.metadata?.uid, events).reverse().find(({ reason }) => reason === 'Unhealthy')
  if (probe) return ['Unhealthy', `pod ${name}: ${probe.message ?? 'a probe fails'}`]
  return ['NotReady', `pod ${name} is ${pod.status?.phase?.toLowerCase() ?? 'pending'}, not ready yet`]
}

export const podRule: KindRule = {
  assess: (object: KubeObject, _children, events, now) => assessPod(object as unknown as Pod, events, now),
  timeoutMs: () => TIMEOUT,
}
