/**
 * Which reasons mean that a pod will not recover without a change by a person.
 * The first row that fits decides; a reason without a row is transient.
 */
import { type Policy, type PolicyName, STANDARD_POLICY } from '../release/policy.ts'

/** Where Kubernetes said it; `scaling` when an autoscaler has answered what `scheduling` said. */
export type Where = 'waiting' | 'terminated' | 'pod' | 'scheduling' | 'scaling' | 'create' | 'event'

interface Row {
  where: Where
  reason: string
  /** The row fits only messages with this pattern. */
  when?: RegExp
  fatal: boolean
  /** Fatal only after the reason has lasted as long as this policy says. */
  after?: PolicyName
  why: string
}

/** What a registry, a resolver or the kubelet's own limit says when asking again may help. */
const NETWORK = /i\/o timeout|connection (refused|reset|timed out)|TLS handshake|\bEOF\b|too ?many ?requests|pull QPS exceeded|\b50[0234]\b|\bunavailable\b|server misbehaving|no such host|temporary failure in name resolution|no route to host|network is unreachable|context deadline/i
/** The back-off without its cause: nothing is known but that a pull failed. */
const BARE_BACK_OFF = /^Back-off pulling image "[^"]*"$/
const CACHE_SYNC = /failed to sync (configmap|secret) cache/i

/** Container reasons: kubernetes/kubernetes pkg/kubelet/{images,container,kuberuntime}; create reasons: pkg/controller/replicaset. */
const DOOM: readonly Row[] = [
  { where: 'waiting', reason: 'CrashLoopBackOff', fatal: true, why: 'the process ended at least twice; the same image and config will end again' },
  { where: 'waiting', reason: 'ErrImagePull', when: NETWORK, fatal: true, after: 'registry', why: 'the registry has not answered, and not to several tries' },
  { where: 'waiting', reason: 'ErrImagePull', fatal: true, why: 'the registry says that the image is not there or not for us' },
  { where: 'waiting', reason: 'ImagePullBackOff', when: NETWORK, fatal: true, after: 'registry', why: 'the registry has not answered, and not to several tries' },
  { where: 'waiting', reason: 'ImagePullBackOff', when: BARE_BACK_OFF, fatal: true, after: 'registry', why: 'the image cannot be pulled, and several tries have failed' },
  { where: 'waiting', reason: 'ImagePullBackOff', fatal: true, why: 'the registry says that the image is not there or not for us' },
  { where: 'waiting', reason: 'InvalidImageName', fatal: true, why: 'no registry can be asked for this name' },
  { where: 'waiting', reason: 'ErrImageNeverPull', fatal: true, why: 'the image is not on the node and must not be pulled' },
  { where: 'waiting', reason: 'CreateContainerConfigError', when: CACHE_SYNC, fatal: false, why: 'the kubelet has not seen the object yet' },
  { where: 'waiting', reason: 'CreateContainerConfigError', fatal: true, why: 'a referenced key or object does not exist, or the user is not allowed' },
  { where: 'waiting', reason: 'CreateContainerError', when: /context deadline|is reserved for/i, fatal: false, why: 'the container runtime is busy and is asked again' },
  { where: 'waiting', reason: 'CreateContainerError', fatal: true, why: 'the container runtime rejects the container' },
  { where: 'waiting', reason: 'RunContainerError', fatal: true, why: 'the command cannot be started' },
  { where: 'terminated', reason: 'OOMKilled', fatal: true, why: 'the memory limit is below what the process needs' },
  { where: 'terminated', reason: 'ContainerCannotRun', fatal: true, why: 'the command cannot be started' },
  { where: 'terminated', reason: 'StartError', fatal: true, why: 'the command cannot be started' },
  { where: 'pod', reason: 'Evicted', fatal: false, why: 'the node was short of something; the controller makes another pod' },
  { where: 'pod', reason: 'Preempting', fatal: false, why: 'a pod of higher priority took the place; the controller makes another pod' },
  { where: 'scheduling', reason: 'SchedulingGated', fatal: false, why: 'another controller lifts the gate' },
  { where: 'scheduling', reason: 'Unschedulable', when: /unbound immediate PersistentVolumeClaims/, fatal: false, why: 'the volume is being made' },
  { where: 'scaling', reason: 'Unschedulable', fatal: true, after: 'scaleUp', why: 'an autoscaler ordered a node, and it has not come' },
  { where: 'scheduling', reason: 'Unschedulable', fatal: true, after: 'unschedulable', why: 'no node has room or fits, and neither ending pods nor an autoscaler changed that' },
  { where: 'create', reason: 'FailedCreate', when: /status unknown for quota/, fatal: false, why: 'the quota has not been counted yet' },
  { where: 'create', reason: 'FailedCreate', when: /exceeded quota/, fatal: true, after: 'quota', why: 'the quota is used up, and ending pods did not free it' },
  { where: 'create', reason: 'FailedCreate', when: /violates PodSecurity/, fatal: true, why: 'the namespace does not admit such a pod' },
  { where: 'create', reason: 'FailedCreate', when: /failed calling webhook|error looking up service account|connection refused|timeout/i, fatal: false, why: 'the controller tries again' },
  { where: 'create', reason: 'FailedCreate', when: /forbidden|is invalid|Invalid value/i, fatal: true, why: 'admission rejects the pod' },
  { where: 'event', reason: 'FailedMount', when: CACHE_SYNC, fatal: false, why: 'the kubelet has not seen the object yet' },
  { where: 'event', reason: 'FailedMount', when: /(secret|configmap) "[^"]*" not found|references non-existent (secret|config) key/i, fatal: true, after: 'mount', why: 'a mounted key or object does not exist' },
]

/**
 * Judges one reason.
 * @param lastedMs how long the reason has been standing, in ms
 * @returns why it is fatal, or `undefined` while it is transient
 */
export function doomOf(where: Where, reason: string, message: string, lastedMs: number, policy: Policy = STANDARD_POLICY): string | undefined {
  const row = DOOM.find((row) => row.where === where && row.reason === reason && (row.when?.test(message) ?? true))
  if (!row?.fatal || lastedMs < (row.after === undefined ? 0 : policy[row.after])) return undefined
  return row.why
}
