/** Ends a process as the kernel does when memory runs out: SIGKILL, without a word to anybody. */
import type { KubeObject } from '../../deploy/src/release/objects.ts'
import { type Pod } from '../../deploy/src/kinds/assessment.ts'
import { isReady, podName, restartsOf } from '../../deploy/src/kinds/pod.ts'
import { waitFor } from './kube.ts'
import { ask } from './probe.ts'
import { demand } from './requirement.ts'
import { TIMEOUTS } from './timeouts.ts'
import type { World } from './world.ts'

/** A container that this run has killed; its restart is not one that nobody asked for. */
export interface Kill {
  podUid: string
  containerId: string
}

const ENFORCE = 'pod-security.kubernetes.io/enforce'

/**
 * From outside of the container: inside of it, process 1 cannot be killed. The kernel lets an account end its own processes,
 * and every container of the application has the account of the probe.
 */
const KILL = `
killed = first_processes()
for process in killed:
    os.kill(process, signal.SIGKILL)
print(json.dumps(len(killed)))
`

/** Longer than a fast shutdown after its preStop sleep, shorter than the life of a probe pod. */
const AWAIT_END = `
deadline = time.monotonic() + 45
while first_processes() and time.monotonic() < deadline:
    time.sleep(0.2)
print(json.dumps(len(first_processes())))
`

const LOOK = `
import json, os, pathlib, signal, time
def first_processes():
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            first = (process / "status").read_text().split("NSpid:")[1].splitlines()[0].split()[-1] == "1"
            if first and os.environ["CONTAINER"] in (process / "cgroup").read_text():
                found.append(int(process.name))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found
`

/** Asks the pod's node about the first processes of the pod's container. */
async function askNode(world: World, pod: Pod, script: string): Promise<{ id: string; count: number }> {
  const { scratch, kube } = world
  const id = pod.status?.containerStatuses?.[0]?.containerID?.replace(/^\w+:\/\//, '')
  const node = pod.spec?.nodeName
  demand(id && node, `pod ${podName(pod)} had no running container`)
  const enforce = (level: string): Promise<void> => kube.patch({ apiVersion: 'v1', kind: 'Namespace', name: scratch }, { metadata: { labels: { [ENFORCE]: level } } })
  await enforce('privileged')
  try {
    await privilegedApplies(world)
    return { id, count: await ask<number>(world, { namespace: scratch, name: 'host', script: LOOK + script, host: node, env: { CONTAINER: id } }) }
  } finally {
    await enforce('restricted')
  }
}

/** The API server judges pods by its cached copy of the namespace, which follows a moment later. */
async function privilegedApplies({ cluster, scratch, signal }: World): Promise<void> {
  const spec = { hostPID: true, containers: [{ name: 'probe', image: 'probe' }] }
  await waitFor('the privileged level of the scratch namespace to apply', TIMEOUTS.api, signal, async () => {
    try {
      await cluster.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'admitted', namespace: scratch }, spec } as KubeObject, { dryRun: true })
      return true
    } catch (error) {
      if (error instanceof Error && error.message.includes('PodSecurity')) return error.message
      throw error
    }
  })
}

/** Kills the first process of the pod's container. @throws Violation when it is not found */
export async function killProcess(world: World, pod: Pod): Promise<void> {
  const { id, count } = await askNode(world, pod, KILL)
  demand(count === 1, `${count} processes are the first one of container ${id} of pod ${podName(pod)}`)
  world.kills.push({ podUid: pod.metadata?.uid ?? '', containerId: id })
}

/** Waits until the container of a pod that the API no longer knows has ended. @throws Violation when it does not */
export async function processEnded(world: World, pod: Pod): Promise<void> {
  const { count } = await askNode(world, pod, AWAIT_END)
  demand(count === 0, `the container of pod ${podName(pod)} still runs long after its pod was deleted`)
}

/** Waits until the same pod runs a new container and is ready. */
export async function restarted({ cluster, namespace, signal }: World, before: Pod): Promise<void> {
  await waitFor(`pod ${podName(before)} to be ready again`, TIMEOUTS.restarted, signal, async () => {
    const pod = (await cluster.get({ apiVersion: 'v1', kind: 'Pod', namespace, name: podName(before) })) as unknown as Pod | undefined
    if (pod === undefined || pod.metadata?.uid !== before.metadata?.uid) return 'the pod is gone'
    if (restartsOf(pod) === restartsOf(before)) return 'the killed container is not told from the running one yet'
    return isReady(pod) ? true : 'not ready'
  })
}

/** Pods with a restart that this run did not cause. Pure. */
export function unexplainedRestarts(pods: readonly Pod[], kills: readonly Kill[]): string[] {
  return pods.flatMap((pod) => {
    const last = pod.status?.containerStatuses?.[0]?.lastState?.terminated
    const own = kills.filter(({ podUid }) => podUid === pod.metadata?.uid)
    const explained = restartsOf(pod) === own.length && own.some(({ containerId }) => last?.containerID?.endsWith(containerId))
    if (restartsOf(pod) === 0 || explained) return []
    return [`${podName(pod)}: ${restartsOf(pod)}, ${own.length} of them by this run (last: ${last?.reason ?? 'unknown reason'}, exit code ${last?.exitCode ?? 'unknown'})`]
  })
}
