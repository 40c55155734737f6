import { describe, expect, it } from 'vitest'
import { type Where, doomOf } from '../../../../deploy/src/kinds/doom.ts'

const SECOND = 1_000

/** Each false alarm and each missed one stays fixed. `after` is how long the reason has lasted. */
const CASES: readonly [name: string, where: Where, reason: string, message: string, after: number, fatal: boolean][] = [
  ['a crash loop', 'waiting', 'CrashLoopBackOff', 'back-off 10s restarting failed container', 0, true],
  ['a container that is being made', 'waiting', 'ContainerCreating', '', 600 * SECOND, false],
  ['an image that the registry does not have', 'waiting', 'ErrImagePull', 'failed to resolve reference "docker.io/x:1": not found', 0, true],
  ['a registry that wants credentials', 'waiting', 'ErrImagePull', 'pull access denied, repository does not exist or may require authorization', 0, true],
  ['a registry that times out, at first', 'waiting', 'ErrImagePull', 'dial tcp 10.0.0.1:443: i/o timeout', 89 * SECOND, false],
  ['a registry that times out, for long', 'waiting', 'ErrImagePull', 'dial tcp 10.0.0.1:443: i/o timeout', 90 * SECOND, true],
  ['a registry that is busy', 'waiting', 'ImagePullBackOff', 'Back-off pulling image "x": ErrImagePull: toomanyrequests: too many requests', 0, false],
  ['the back-off after an image that is not there', 'waiting', 'ImagePullBackOff', 'Back-off pulling image "x": ErrImagePull: not found', 0, true],
  ['a registry whose name is not resolved', 'waiting', 'ErrImagePull', 'dial tcp: lookup registry.example: no such host', 0, false],
  ['a registry that hangs up', 'waiting', 'ErrImagePull', 'failed to do request: Head "https://registry.example/v2/x/manifests/1": EOF', 0, false],
  ['the limit of the kubelet itself', 'waiting', 'ErrImagePull', 'pull QPS exceeded', 0, false],
  ['a registry that is away', 'waiting', 'ErrImagePull', 'unexpected status from HEAD request: 503 Service Unavailable', 0, false],
  ['a container runtime that is away', 'waiting', 'ErrImagePull', 'rpc error: code = Unavailable desc = connection error', 0, false],
  ['a back-off that does not say why', 'waiting', 'ImagePullBackOff', 'Back-off pulling image "x:1"', 0, false],
  ['a back-off that does not say why, for long', 'waiting', 'ImagePullBackOff', 'Back-off pulling image "x:1"', 90 * SECOND, true],
  ['an image name that cannot be', 'waiting', 'InvalidImageName', 'couldn\'t parse image name "X"', 0, true],
  ['a config key that does not exist', 'waiting', 'CreateContainerConfigError', 'couldn\'t find key MODE in ConfigMap ns/app', 0, true],
  ['a cache that is not in sync is no config error', 'waiting', 'CreateContainerConfigError', 'failed to sync configmap cache: timed out waiting for the condition', 0, false],
  ['a command that is not in the image', 'waiting', 'RunContainerError', 'exec: "serve": executable file not found in $PATH', 0, true],
  ['a process over its memory limit', 'terminated', 'OOMKilled', '', 0, true],
  ['a process that ended with an error may be started again', 'terminated', 'Error', '', 0, false],
  ['an evicted pod is made again', 'pod', 'Evicted', 'The node was low on resource: memory.', 600 * SECOND, false],
  ['a pod without a node, at first', 'scheduling', 'Unschedulable', '0/1 nodes are available: 1 Insufficient cpu.', 59 * SECOND, false],
  ['a pod without a node, for long', 'scheduling', 'Unschedulable', '0/1 nodes are available: 1 Insufficient cpu.', 60 * SECOND, true],
  ['a pod for which a node was ordered', 'scaling', 'Unschedulable', '0/1 nodes are available: 1 Insufficient cpu.', 599 * SECOND, false],
  ['a pod whose ordered node does not come', 'scaling', 'Unschedulable', '0/1 nodes are available: 1 Insufficient cpu.', 600 * SECOND, true],
  ['a pod that waits for its volume', 'scheduling', 'Unschedulable', '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.', 600 * SECOND, false],
  ['a quota that is used up, at first', 'create', 'FailedCreate', 'pods "x" is forbidden: exceeded quota: q', 29 * SECOND, false],
  ['a quota that is used up, for long', 'create', 'FailedCreate', 'pods "x" is forbidden: exceeded quota: q', 30 * SECOND, true],
  ['a quota that has not been counted', 'create', 'FailedCreate', 'pods "x" is forbidden: status unknown for quota: q, resources: pods', 60 * SECOND, false],
  ['a pod against Pod Security', 'create', 'FailedCreate', 'pods "x" is forbidden: violates PodSecurity "restricted:latest": privileged', 0, true],
  ['a webhook that does not answer', 'create', 'FailedCreate', 'Internal error occurred: failed calling webhook "x": connection refused', 60 * SECOND, false],
  ['a mounted Secret that does not exist', 'event', 'FailedMount', 'MountVolume.SetUp failed for volume "db" : secret "db" not found', 10 * SECOND, true],
  ['a mounted key that does not exist', 'event', 'FailedMount', 'MountVolume.SetUp failed for volume "db" : references non-existent secret key: x', 10 * SECOND, true],
  ['a volume that is still attached elsewhere', 'event', 'FailedAttachVolume', 'Multi-Attach error for volume', 600 * SECOND, false],
  ['a probe that fails within its own limits', 'event', 'Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 503', 600 * SECOND, false],
]

describe('doom', () => {
  it.each(CASES)('%s', (_name, where, reason, message, after, fatal) => {
    expect(doomOf(where, reason, message, after) !== undefined).toBe(fatal)
  })

})
