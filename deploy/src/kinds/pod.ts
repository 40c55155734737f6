import type { V1ContainerStatus } from '@kubernetes/client-node'
import type { KubeObject, Wire } from '../release/objects.ts'
import { type Assessment, type Judging, type KindRule, type KubeEvent, type Pod, current, doomed, eventSince, eventTime, eventsOf, progressing } from './assessment.ts'
import { doomOf } from './doom.ts'
import type { Policy } from '../release/policy.ts'

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

/** True for an ending pod that is long past its grace: its node does not answer, and it serves nobody. The deletion time includes the grace. */
export function isLost(pod: Pod, now: number, policy: Policy): boolean {
  return now - Date.parse(pod.metadata?.deletionTimestamp ?? '') >= policy.lostPod
}

/** Init containers (sidecars among them) and containers, in the order in which they start. */
export function containerStatuses(pod: Pod): ContainerStatus[] {
  return [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
}

/** Restarts of all containers of the pod. */
export function restartsOf(pod: Pod): number {
  return containerStatuses(pod).reduce((sum, { restartCount }) => sum + restartCount, 0)
}

/** Why a node gave a pod up; whoever owns it makes another one. */
const REPLACED = /^(Evicted|Preempting|NodeLost|NodeShutdown|NodeAffinity|Shutdown|Terminated|UnexpectedAdmissionError|TopologyAffinityError|OutOf\w.*)$/

/**
 * Judges the pods of one revision together. Ending ones say nothing. A pod that its node gave up has been replaced by its controller
 * already: it is told while pods are missing, and never judged.
 * @param desired how many the workload asks for
 */
export function assessPods(pods: readonly Pod[], desired: number, events: readonly KubeEvent[], now: number, judging: Judging): { fatal?: Assessment; waiting?: Assessment } {
  const living = pods.filter((pod) => !isTerminating(pod))
  const given = living.filter(({ status }) => status?.phase === 'Failed')
  const verdicts = living.filter((pod) => !given.includes(pod)).map((pod) => assessPod(pod, events, now, judging))
  const fatal = verdicts.find(({ state }) => state === 'doomed')
  if (fatal !== undefined) return { fatal }
  const waiting = verdicts.find(({ state }) => state === 'progressing') ?? (verdicts.length < desired ? given.map((pod) => givenUp(pod))[0] : undefined)
  return waiting === undefined ? {} : { waiting }
}

function givenUp(pod: Pod): Assessment {
  const { reason, message } = pod.status ?? {}
  return progressing(reason ?? 'Failed', `pod ${podName(pod)} failed${suffixed(reason)}${suffixed(message)}`)
}

function suffixed(text: string | undefined): string {
  return text === undefined || text === '' ? '' : `: ${text}`
}

/**
 * Judges a pod that is meant to run, or to run to its end.
 * Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
 */
export function assessPod(pod: Pod, events: readonly KubeEvent[], now: number, judging: Judging): Assessment {
  const name = podName(pod)
  const { phase, reason, conditions = [] } = pod.status ?? {}
  if (phase === 'Succeeded') return current('ended successfully', 'Succeeded')
  if (isTerminating(pod)) return progressing('Terminating', `pod ${name} is ending`)
  if (phase === 'Failed') {
    const told = givenUp(pod)
    return REPLACED.test(reason ?? '') ? told : doomed(told.reason, told.message, name)
  }

  const about = eventsOf(pod.metadata?.uid, events)
  for (const status of containerStatuses(pod)) {
    const fault = containerFault(status, about, pod, now, judging)
    if (fault) return doomed(fault.reason, `pod ${name}, container ${status.name}: ${fault.text}`, name)
  }
  const scheduled = conditions.find(({ type }) => type === 'PodScheduled')
  if (scheduled?.status === 'False') {
    const text = `pod ${name} is not scheduled: ${scheduled.message ?? scheduled.reason ?? 'no reason given'}`
    const ordered = about.find(({ reason }) => NODE_ORDERED.has(reason ?? ''))
    const lasted = now - Math.max(judging.since, ordered === undefined ? Date.parse(scheduled.lastTransitionTime ?? pod.metadata?.creationTimestamp ?? '') : eventTime(ordered))
    const why = doomOf(ordered === undefined ? 'scheduling' : 'scaling', scheduled.reason ?? '', scheduled.message ?? '', lasted, judging.policy)
    if (why !== undefined) return doomed(scheduled.reason ?? 'Unschedulable', `${text} (${why})`, name)
    return progressing(scheduled.reason ?? 'Pending', ordered === undefined ? text : `${text}; ${ordered.message ?? 'a node was ordered'}`)
  }
  const mount = mountFault(pod, about, now, judging)
  if (mount !== undefined) return doomed('FailedMount', `pod ${name}: ${mount}`, name)
  if (isReady(pod)) return current(`pod ${name} is ready`, 'Ready')
  return progressing(...notReady(pod, about))
}

/** An autoscaler that adds a node says so at the pod: the cluster autoscaler the one, Karpenter the other. */
const NODE_ORDERED = new Set(['TriggeredScaleUp', 'Nominated'])

function containerFault(status: ContainerStatus, about: readonly KubeEvent[], pod: Pod, now: number, judging: Judging): { reason: string; text: string } | undefined {
  const { waiting, terminated } = status.state ?? {}
  const last = status.lastState?.terminated
  for (const ended of hasHealed(status, now, judging) ? [] : [terminated, last]) {
    if (!ended?.reason || ended.exitCode === 0) continue
    const why = doomOf('terminated', ended.reason, ended.message ?? '', now - Date.parse(ended.finishedAt ?? ''), judging.policy)
    if (why !== undefined) return { reason: ended.reason, text: `${ended.reason}${suffixed(ended.message)}, exit code ${ended.exitCode} (${why})` }
  }
  if (waiting?.reason === undefined) return undefined
  const { message, since } = waitingSince(waiting, about, pod)
  const why = doomOf('waiting', waiting.reason, message, now - Math.max(since, judging.since), judging.policy)
  if (why === undefined) return undefined
  const exit = last === undefined ? '' : `; last exit code ${last.exitCode}${last.reason === undefined ? '' : ` (${last.reason})`}`
  return { reason: waiting.reason, text: `${waiting.reason}${suffixed(message)}${exit} (${why})` }
}

/** True for a container that has been ready for a while: what ended its run before is over. */
function hasHealed({ ready, state }: ContainerStatus, now: number, { policy }: Judging): boolean {
  return ready && state?.running !== undefined && now - (Date.parse(state.running.startedAt ?? '') || now) >= policy.healed
}

const PULL_FAILED = /^Failed to pull image/
const BACK_OFF = /^Back-off pulling image "[^"]*"$/

/**
 * A waiting container does not say since when. A pull that fails has events that do, and that hold the registry's answer when the
 * container's own message is the bare back-off; without events it has waited at most for the age of its pod.
 */
function waitingSince({ reason, message = '' }: { reason?: string; message?: string }, about: readonly KubeEvent[], pod: Pod): { message: string; since: number } {
  const age = Date.parse(pod.status?.startTime ?? pod.metadata?.creationTimestamp ?? '')
  if (reason !== 'ErrImagePull' && reason !== 'ImagePullBackOff') return { message, since: age }
  const pulls = about.filter((event) => event.reason === 'Failed' && PULL_FAILED.test(event.message ?? ''))
  const since = pulls.length === 0 ? age : Math.min(...pulls.map(eventSince))
  const cause = pulls.at(-1)?.message
  return { message: BACK_OFF.test(message) && cause !== undefined ? `${message}: ${cause}` : message, since }
}

/** Said by the kubelet once the volumes of a pod are there. */
const MOUNTED = new Set(['Pulling', 'Pulled', 'Created', 'Started', 'BackOff'])
const NOT_STARTED = new Set(['ContainerCreating', 'PodInitializing'])

/** A volume that cannot be mounted shows only in events; it is over as soon as the pod has got further. */
function mountFault(pod: Pod, about: readonly KubeEvent[], now: number, judging: Judging): string | undefined {
  const gotFurther = ({ state }: ContainerStatus): boolean => state?.running !== undefined || state?.terminated !== undefined || (state?.waiting !== undefined && !NOT_STARTED.has(state.waiting.reason ?? ''))
  if (containerStatuses(pod).some(gotFurther)) return undefined
  for (const event of [...about].reverse()) {
    if (MOUNTED.has(event.reason ?? '')) return undefined
    const why = doomOf('event', event.reason ?? '', event.message ?? '', now - Math.max(eventSince(event), judging.since), judging.policy)
    if (why !== undefined) return `${event.reason}: ${event.message} (${why})`
  }
  return undefined
}

function notReady(pod: Pod, about: readonly KubeEvent[]): [reason: string, message: string] {
  const name = podName(pod)
  for (const status of containerStatuses(pod)) {
    const { waiting, terminated } = status.state ?? {}
    if (waiting !== undefined) return [waiting.reason ?? 'Waiting', `pod ${name}, container ${status.name}: ${waiting.reason ?? 'waiting'}${suffixed(waiting.message)}`]
    if (terminated !== undefined && terminated.exitCode !== 0) {
      return [terminated.reason ?? 'Terminated', `pod ${name}, container ${status.name} ended with exit code ${terminated.exitCode}`]
    }
  }
  const probe = [...about].reverse().find(({ reason }) => reason === 'Unhealthy')
  if (probe) return ['Unhealthy', `pod ${name}: ${probe.message ?? 'a probe fails'}`]
  return ['NotReady', `pod ${name} is ${pod.status?.phase?.toLowerCase() ?? 'pending'}, not ready yet`]
}

export const podRule: KindRule = {
  assess: (object: KubeObject, _children, events, now, judging) => assessPod(object as unknown as Pod, events, now, judging),
  timeoutMs: () => TIMEOUT,
}
