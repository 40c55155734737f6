/** Short-lived pods that ask a question from inside the cluster and answer in JSON on their standard output. */
import { randomBytes } from 'node:crypto'
import type { Pod } from '../../deploy/src/kinds/assessment.ts'
import { containerStatuses } from '../../deploy/src/kinds/pod.ts'
import type { KubeObject, ObjectRef } from '../../deploy/src/release/objects.ts'
import { PROBE_LABEL, waitFor } from './kube.ts'
import { PAUSES, TIMEOUTS } from './timeouts.ts'
import type { World } from './world.ts'

export interface ProbeOptions {
  namespace: string
  /** Start of the pod's name. */
  name: string
  /** Python that prints one line of JSON. */
  script: string
  /** @default none: a pod that belongs to no tier */
  labels?: Record<string, string>
  /** @default 'default' */
  serviceAccount?: string
  /** @default the backend's */
  image?: string
  env?: Record<string, string>
  volumes?: { name: string; mountPath: string; source: object }[]
  /** The pod is ended after this time, in ms. @default TIMEOUTS.probePod */
  lifeMs?: number
  /** Runs on this node and sees its processes. The namespace has to admit that. @default any node, own processes only */
  host?: string
}

/** A pod that runs a Python program. It meets Pod Security `restricted`, unless it looks at a node's processes. */
export function probePod(image: string, options: ProbeOptions): KubeObject {
  const { namespace, script, labels = {}, serviceAccount = 'default', env = {}, volumes = [] } = options
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name: `${options.name}-${randomBytes(3).toString('hex')}`, labels: { ...labels, [PROBE_LABEL]: options.name } },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
      activeDeadlineSeconds: (options.lifeMs ?? TIMEOUTS.probePod) / 1000,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      serviceAccountName: serviceAccount,
      ...(options.host !== undefined && { hostPID: true, nodeName: options.host }),
      // Never true: with a tier's labels the pod would otherwise become an endpoint of that tier's Service.
      readinessGates: [{ conditionType: 'todo-chat.conformance/never' }],
      securityContext: { runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'probe',
          image,
          imagePullPolicy: 'IfNotPresent',
          command: ['python3', '-c', script],
          env: Object.entries(env).map(([name, value]) => ({ name, value })),
          resources: { requests: { cpu: '10m', memory: '48Mi' }, limits: { cpu: '500m', memory: '96Mi' } },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
          volumeMounts: volumes.map(({ name, mountPath }) => ({ name, mountPath })),
        },
      ],
      volumes: volumes.map(({ name, source }) => ({ name, ...source })),
    },
  }
}

export interface ProbeAnswer<Answer> {
  answer: Answer
  exitCode: number
  output: string
}

/**
 * Runs a probe pod to its end and removes it.
 * @returns the JSON of its last line of output
 * @throws Error when the pod did not end in time or printed no JSON: names state and output
 */
export function ask<Answer>(world: World, options: ProbeOptions): Promise<Answer> {
  return withPod(world, options, async (ref) => {
    const exitCode = await ended(world, ref)
    const output = (await world.cluster.logs(options.namespace, ref.name, 'probe', { tailLines: 40 })) ?? ''
    try {
      return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Answer
    } catch (cause) {
      throw new Error(`probe ${ref.name} ended with exit code ${exitCode} and no JSON: ${output.trim().slice(-400) || '(no output)'}`, { cause })
    }
  })
}

/**
 * Runs a probe pod that serves for as long as `use` takes, and removes it.
 * @param use gets the pod's address
 * @throws Violation when the pod does not run in time
 */
export function whileServing<Value>(world: World, options: Omit<ProbeOptions, 'lifeMs'>, use: (address: string) => Promise<Value>): Promise<Value> {
  return withPod(world, { ...options, lifeMs: TIMEOUTS.probeServer }, async (ref) => {
    const { address } = await waitFor(`probe pod ${ref.name} to run`, TIMEOUTS.probePod, world.signal, async () => {
      const { podIP, phase } = ((await world.cluster.get(ref))?.['status'] ?? {}) as { podIP?: string; phase?: string }
      return podIP !== undefined && phase === 'Running' ? { address: podIP } : `phase ${phase ?? 'none'}`
    })
    return use(address)
  })
}

async function withPod<Value>(world: World, options: ProbeOptions, use: (ref: ObjectRef) => Promise<Value>): Promise<Value> {
  const pod = probePod(options.image ?? world.probeImage(), options)
  const ref = { apiVersion: 'v1', kind: 'Pod', namespace: options.namespace, name: pod.metadata.name }
  await world.cluster.create(pod)
  try {
    return await use(ref)
  } finally {
    await world.cluster.remove(ref)
  }
}

async function ended({ cluster, signal }: World, ref: ObjectRef): Promise<number> {
  const { code } = await waitFor(`probe pod ${ref.name} to end`, TIMEOUTS.probePod, signal, async () => {
    const pod = (await cluster.get(ref)) as unknown as Pod | undefined
    if (pod === undefined) return 'the pod is gone'
    const [status] = containerStatuses(pod)
    const { waiting, terminated } = status?.state ?? {}
    if (terminated) return { code: terminated.exitCode }
    return waiting ? `waiting: ${waiting.reason ?? ''} ${waiting.message ?? ''}` : (pod.status?.phase ?? 'unknown')
  })
  return code
}

export type Reach = 'open' | 'timeout' | 'refused' | 'no address' | 'unreachable'

export interface Target {
  name: string
  host: string
  port: number
}

/**
 * Connects to every target at the same time, again and again until it is as expected or the time is over, and says how each ended. A
 * target counts as closed after three connections in a row that were not made: one alone may be lost on a busy machine.
 */
export const CONNECT_SCRIPT = `
import json, os, socket, time
from concurrent.futures import ThreadPoolExecutor
def once(host, port):
    try:
        socket.create_connection((host, port), timeout=1.5).close()
        return "open"
    except socket.gaierror:
        return "no address"
    except TimeoutError:
        return "timeout"
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "unreachable"
def reach(target):
    closed = 0
    while True:
        result = once(target["host"], target["port"])
        closed = 0 if result == "open" else closed + 1
        found = result == "open" or closed >= 3
        if found and (result == "open") == target["open"] or time.monotonic() > deadline:
            return target["name"], result
        time.sleep(0.3)
time.sleep(float(os.environ["SETTLE_SECONDS"]))
deadline = time.monotonic() + float(os.environ["PATIENCE_SECONDS"])
targets = json.loads(os.environ["TARGETS"])
with ThreadPoolExecutor(len(targets)) as pool:
    print(json.dumps(dict(pool.map(reach, targets))))
`

/** Environment of `CONNECT_SCRIPT`. @param allowed names of targets that must be open; every other one must be closed */
export function connectTo(targets: readonly Target[], allowed: readonly string[]): Record<string, string> {
  return {
    TARGETS: JSON.stringify(targets.map((target) => ({ ...target, open: allowed.includes(target.name) }))),
    SETTLE_SECONDS: String(PAUSES.networkSettles / 1000),
    PATIENCE_SECONDS: String(TIMEOUTS.policyApplies / 1000),
  }
}
