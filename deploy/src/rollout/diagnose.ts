/** What a person needs to understand a failure, captured before anything is undone, and without secrets. */
import pMap from 'p-map'
import type { Cluster } from '../cluster/client.ts'
import { ClusterError } from '../errors.ts'
import { type Children, type KubeEvent, type Pod, eventTime, eventsOf, ownedBy } from '../kinds/assessment.ts'
import { containerStatuses, isReady, podName } from '../kinds/pod.ts'
import { ruleOf } from '../kinds/index.ts'
import { type KubeObject, type ObjectRef, keyOf } from '../release/objects.ts'
import { redactText } from '../release/redact.ts'
import type { Run } from './run.ts'
import type { Outcome } from './outcome.ts'
import { kindsOf, readSnapshot } from './snapshot.ts'

export interface Diagnosis {
  ref: ObjectRef
  reason: string
  message: string
  /** What to do, where the reason tells. */
  hint?: string
  /** Conditions of the object that are not as they should be: `Available=False: …`. */
  conditions: string[]
  /** About the object and what it controls, oldest first: `12:00:01 Warning FailedCreate …`. */
  events: string[]
  pods: PodDiagnosis[]
}

export interface PodDiagnosis {
  name: string
  ready: boolean
  events: string[]
  containers: ContainerDiagnosis[]
}

export interface ContainerDiagnosis {
  name: string
  image: string
  /** `waiting: CrashLoopBackOff`, `terminated: OOMKilled (137)`, `running`. */
  state: string
  restarts: number
  /** The end of the current log. */
  log?: string
  /** The end of the log before the last restart. */
  previousLog?: string
}

const LOG_LINES = 40
const EVENTS = 12
const PODS = 3
const CONCURRENCY = 6

/** What helps, by the reason of the verdict. */
const HINTS: Record<string, string> = {
  CrashLoopBackOff: 'read the log before the last restart; the process ends by itself',
  ErrImagePull: 'check that the image was pushed and that the digest is right',
  ImagePullBackOff: 'check that the image was pushed and that the digest is right',
  InvalidImageName: 'correct the image reference',
  ErrImageNeverPull: 'load the image into the node, or allow pulling',
  CreateContainerConfigError: 'the message names the ConfigMap, Secret or key that is missing',
  RunContainerError: 'check the command and the arguments of the container',
  OOMKilled: 'raise the memory limit, or find out what uses so much',
  FailedCreate: 'the message names the quota or the Pod Security rule; raise the one or keep the other',
  Unschedulable: 'lower the requests, add a node, or correct the node selector',
  FailedMount: 'the message names the Secret, ConfigMap or key that is missing',
  ProgressDeadlineExceeded: 'the pods run but do not become ready: see the probe message in their events and their log',
  BackoffLimitExceeded: 'read the log of the pod; the Job has used up its tries',
  DeadlineExceeded: 'the Job took longer than activeDeadlineSeconds; read its log',
  ScaledToZero: 'scale it up again (kubectl scale --replicas=1), an autoscaler does not wake what has 0 replicas',
  RestartedAfterReady: 'the process became ready and ended later: read the log before the last restart',
}

const PULL_HINT = 'the registry wants a password: give the setting images.pullSecret, and the secret .dockerconfigjson with rights to pull from it'

/** A registry says 401 or 403 to whom it does not know, often for images that do not exist, too. */
export function isPullRefusal(reason: string, message: string): boolean {
  return /^(ErrImagePull|ImagePullBackOff)$/.test(reason) && /\b(401|403)\b|unauthorized|authorization failed|forbidden|denied|no basic auth/i.test(message)
}

/** Captures everything about a failed watch. A part that cannot be read is left out; the rest is still told. */
export async function diagnose(run: Run, outcome: Exclude<Outcome, { outcome: 'settled' }>, secrets: Iterable<string>): Promise<Diagnosis> {
  const { ref, reason, message } = outcome
  const hint = isPullRefusal(reason, message) ? PULL_HINT : HINTS[reason]
  const clean = (text: string): string => redactText(text, secrets)
  const base = { ref, reason, message: clean(message), ...(hint === undefined ? {} : { hint }) }
  const snapshot = await readSnapshot(run.cluster, run.namespace, kindsOf([ref]), run.clock.now()).catch(ignoreClusterError)
  const object = snapshot?.objects.get(keyOf(ref))
  if (snapshot === undefined || object === undefined) return { ...base, conditions: [], events: [], pods: [] }
  const pods = ruleOf(object).newPods?.(object, snapshot.children) ?? []
  // The faulty ones tell most.
  const chosen = [...pods].sort((a, b) => Number(isReady(a)) - Number(isReady(b)) || restarts(b) - restarts(a)).slice(0, PODS)
  return {
    ...base,
    conditions: conditionsOf(object).map(clean),
    events: controllerEvents(object, snapshot.children, snapshot.events).map(clean),
    pods: await pMap(chosen, (pod) => diagnosePod(run.cluster, run.namespace, pod, snapshot.events, clean), { concurrency: CONCURRENCY }),
  }
}

function ignoreClusterError(error: unknown): undefined {
  if (error instanceof ClusterError) return undefined
  throw error
}

function restarts(pod: Pod): number {
  return containerStatuses(pod).reduce((sum, { restartCount }) => sum + restartCount, 0)
}

function conditionsOf(object: KubeObject): string[] {
  const { conditions = [] } = (object['status'] ?? {}) as { conditions?: { type: string; status: string; reason?: string; message?: string }[] }
  const bad = new Set(['ReplicaFailure', 'Failed', 'Stalled'])
  return conditions
    .filter(({ type, status }) => (bad.has(type) ? status === 'True' : status !== 'True'))
    .map(({ type, status, reason, message }) => `${type}=${status}${reason === undefined ? '' : ` (${reason})`}: ${message ?? ''}`)
}

function controllerEvents(object: KubeObject, children: Children, events: readonly KubeEvent[]): string[] {
  const sets = ownedBy(object, children.replicaSets)
  const found = [object.metadata.uid, ...sets.map(({ metadata }) => metadata?.uid)].flatMap((uid) => eventsOf(uid, events))
  return found.sort((a, b) => eventTime(a) - eventTime(b)).slice(-EVENTS).map(eventLine)
}

function eventLine(event: KubeEvent): string {
  const time = new Date(eventTime(event)).toISOString().slice(11, 19)
  const times = event.count !== undefined && event.count > 1 ? ` (${event.count} times)` : ''
  return `${time} ${event.type ?? 'Normal'} ${event.reason}: ${event.message}${times}`
}

async function diagnosePod(cluster: Cluster, namespace: string, pod: Pod, events: readonly KubeEvent[], clean: (text: string) => string): Promise<PodDiagnosis> {
  const name = podName(pod)
  const containers = await pMap(
    containerStatuses(pod),
    async (status): Promise<ContainerDiagnosis> => {
      const read = async (previous: boolean): Promise<string | undefined> => {
        const text = await cluster.logs(namespace, name, status.name, { previous, tailLines: LOG_LINES }).catch(ignoreClusterError)
        return text === undefined || text.trim() === '' ? undefined : clean(text.trimEnd())
      }
      const log = await read(false)
      const previousLog = status.restartCount > 0 ? await read(true) : undefined
      const { waiting, terminated } = status.state ?? {}
      const state = waiting ? `waiting: ${waiting.reason}` : terminated ? `terminated: ${terminated.reason} (${terminated.exitCode})` : 'running'
      return {
        name: status.name,
        image: status.image,
        state,
        restarts: status.restartCount,
        ...(log === undefined ? {} : { log }),
        ...(previousLog === undefined ? {} : { previousLog }),
      }
    },
    { concurrency: CONCURRENCY },
  )
  return { name, ready: isReady(pod), events: eventsOf(pod.metadata?.uid, events).slice(-EVENTS).map(eventLine).map(clean), containers }
}
