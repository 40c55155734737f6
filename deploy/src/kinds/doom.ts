/**
 * Which reasons mean that a pod will not recover without a change by a person.
 * The first row that fits decides; a reason without a row is transient.
 */

/** Where Kubernetes said it. */
export type Where = 'waiting' | 'terminated' | 'pod' | 'scheduling' | 'create' | 'event'

interface Row {
  where: Where
  reason: string
  /** The row fits only messages with this pattern. */
  when?: RegExp
  fatal: boolean
  /** Fatal only after the reason has lasted so long, in ms. */
  afterMs?: number
  why: string
}

const NETWORK = /i\/o timeout|connection re(fused|set)|TLS handshake|unexpected EOF|too many requests|50[0234] |server misbehaving|context deadline/i
const CACHE_SYNC = /failed to sync (configmap|secret) cache/i

/** Container reasons: kubernetes/kubernetes pkg/kubelet/{images,container,kuberuntime}; create reasons: pkg/controller/replicaset. */
const DOOM: readonly Row[] = [
  { where: 'waiting', reason: 'CrashLoopBackOff', fatal: true, why: 'the process ended at least twice; the same image and config will end again' },
  { where: 'waiting', reason: 'ErrImagePull', when: NETWORK, fatal: true, afterMs: 30_000, why: 'the registry has not answered, and not to several tries' },
  { where: 'waiting', reason: 'ErrImagePull', fatal: true, why: 'the registry says that the image is not there or not for us' },
  { where: 'waiting', reason: 'ImagePullBackOff', when: NETWORK, fatal: true, afterMs: 30_000, why: 'the registry has not answered, and not to several tries' },
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
  { where: 'scheduling', reason: 'Unschedulable', fatal: true, afterMs: 20_000, why: 'no node has room or fits, and neither ending pods nor an autoscaler changed that' },
  { where: 'create', reason: 'FailedCreate', when: /status unknown for quota/, fatal: false, why: 'the quota has not been counted yet' },
  { where: 'create', reason: 'FailedCreate', when: /exceeded quota/, fatal: true, afterMs: 6_000, why: 'the quota is used up, and ending pods did not free it' },
  { where: 'create', reason: 'FailedCreate', when: /violates PodSecurity/, fatal: true, why: 'the namespace does not admit such a pod' },
  { where: 'create', reason: 'FailedCreate', when: /failed calling webhook|error looking up service account|connection refused|timeout/i, fatal: false, why: 'the controller tries again' },
  { where: 'create', reason: 'FailedCreate', when: /forbidden|is invalid|Invalid value/i, fatal: true, why: 'admission rejects the pod' },
  { where: 'event', reason: 'FailedMount', when: CACHE_SYNC, fatal: false, why: 'the kubelet has not seen the object yet' },
  { where: 'event', reason: 'FailedMount', when: /(secret|configmap) "[^"]*" not found|references non-existent (secret|config) key/i, fatal: true, afterMs: 6_000, why: 'a mounted key or object does not exist' },
]

/**
 * Judges one reason.
 * @param lastedMs how long the reason has been standing, in ms
 * @returns why it is fatal, or `undefined` while it is transient
 */
export function doomOf(where: Where, reason: string, message: string, lastedMs: number): string | undefined {
  const row = DOOM.find((row) => row.where === where && row.reason === reason && (row.when?.test(message) ?? true))
  if (!row?.fatal || lastedMs < (row.afterMs ?? 0)) return undefined
  return row.why
}
