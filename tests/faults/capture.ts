/**
 * Captures what a cluster says during a rollout of the Deployment mcp, as fixtures for the rules of deploy/src/kinds.
 *
 *     KUBECONFIG=… INGRESS_URL=… npx tsx tests/faults/capture.ts [story …]
 *
 * Writes tests/fixtures/streams/deployment/<story>.jsonl: a header, then one line per change of an object.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Watch } from '@kubernetes/client-node'
import { loadKubeconfig } from '../../deploy/src/cluster/kubeconfig.ts'
import { type KubeEvent, eventTime } from '../../deploy/src/kinds/assessment.ts'
import type { KubeObject } from '../../deploy/src/release/objects.ts'
import { Bench, NAMESPACE, podSpec, runsPython } from './_bench.ts'
import { type Change, otherImage } from './_changes.ts'

const NAME = 'mcp'
const FOLDER = join(import.meta.dirname, '../fixtures/streams/deployment')
/** What a rollout still says after the deployer has its verdict, in ms. */
const AFTERMATH = 3_000

const PATHS = {
  Deployment: `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`,
  ReplicaSet: `/apis/apps/v1/namespaces/${NAMESPACE}/replicasets`,
  Pod: `/api/v1/namespaces/${NAMESPACE}/pods`,
  Event: `/api/v1/namespaces/${NAMESPACE}/events`,
}

const STORIES: Record<string, Change> = {
  good: otherImage(NAME),
  'image-not-found': (objects) => {
    podSpec(objects, NAME).containers[0].image = 'todo-chat/mcp:does-not-exist'
  },
  'crash-loop': (objects) => runsPython(podSpec(objects, NAME), 'import sys; sys.exit(3)'),
  'out-of-memory': (objects) => runsPython(podSpec(objects, NAME), 'import time; hoard = bytearray(2 * 1024 ** 3); time.sleep(60)'),
  'crash-after-ready': (objects) =>
    runsPython(podSpec(objects, NAME), "import os, runpy, threading; threading.Timer(14, os._exit, [7]).start(); runpy.run_module('todo_chat.entrypoints.mcp', run_name='__main__')"),
}

/** Fields of a spec that the rules read. */
const SPEC_FIELDS = new Set(['replicas', 'progressDeadlineSeconds', 'minReadySeconds', 'nodeName'])
/** Fields of a status that no rule reads. */
const STATUS_NOISE = /^(hostIPs?|podIPs?|qosClass|containerID|imageID|volumeMounts|resources|allocatedResources|user|allocatedResourcesStatus|terminatingReplicas)$/

/** The object without what the rules do not read. */
function slim(object: KubeObject): KubeObject {
  const { managedFields: _managed, annotations = {}, selfLink: _link, ...metadata } = object.metadata as KubeObject['metadata'] & { selfLink?: string }
  const revision = annotations['deployment.kubernetes.io/revision']
  const spec = Object.fromEntries(Object.entries((object['spec'] ?? {}) as object).filter(([field]) => SPEC_FIELDS.has(field)))
  const kept: KubeObject = { ...object, metadata: { ...metadata, ...(revision === undefined ? {} : { annotations: { 'deployment.kubernetes.io/revision': revision } }) } }
  if ('spec' in object) kept['spec'] = spec
  return JSON.parse(JSON.stringify(kept, (key, value: unknown) => (STATUS_NOISE.test(key) ? undefined : value))) as KubeObject
}

/** Of the Deployment, and not of earlier rollouts. */
function belongs(type: string, object: KubeObject, since: number): boolean {
  const subject = (object['involvedObject'] as { name?: string } | undefined)?.name ?? object.metadata.name
  if (subject !== NAME && !subject.startsWith(`${NAME}-`)) return false
  // The API tells times to the second.
  if (object.kind === 'Event') return eventTime(object as unknown as KubeEvent) >= since - 1_000
  return !(object.kind === 'ReplicaSet' && type === 'ADDED' && (object['spec'] as { replicas?: number }).replicas === 0)
}

async function capture(bench: Bench, story: string, change: Change): Promise<void> {
  await bench.good()
  const cluster = await bench.cluster()
  const started = Date.now()
  const lines: string[] = []
  let ended: unknown
  const watch = new Watch(loadKubeconfig(bench.kubeconfig))
  const watches = await Promise.all(
    Object.entries(PATHS).map(([kind, path]) =>
      watch.watch(path, {}, (type, object: KubeObject) => {
        if (belongs(type, { ...object, kind }, started)) lines.push(JSON.stringify({ at: Date.now(), type, object: slim({ ...object, kind }) }))
      }, (error: unknown) => {
        ended ??= error
      }),
    ),
  )
  await sleep(1_000)
  const before = await cluster.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: NAMESPACE, name: NAME })
  const ran = await bench.deploy(await bench.release(change), { args: ['--no-rollback', '--soak', '20s'] })
  await sleep(AFTERMATH)
  // The library ends a watch that is silent for 30 s.
  if (ended !== undefined) throw new Error(`${story}: a watch ended before the rollout did`, { cause: ended })
  for (const controller of watches) controller.abort()
  const header = {
    captured: new Date(started).toISOString(),
    kubernetes: await cluster.version(),
    how: 'tests/faults/capture.ts: watches during deploy --no-rollback; without managedFields, addresses, and fields that no rule reads',
    generation: (before?.metadata.generation ?? 0) + 1,
    result: ran.report.result,
  }
  await mkdir(FOLDER, { recursive: true })
  await writeFile(join(FOLDER, `${story}.jsonl`), `${[JSON.stringify(header), ...lines].join('\n')}\n`)
  process.stderr.write(`${story}: ${ran.report.result}, ${lines.length} changes; ${ran.report.failure?.message ?? ''}\n`)
}

const bench = new Bench()
const chosen = process.argv.slice(2)
for (const [story, change] of Object.entries(STORIES)) {
  if (chosen.length === 0 || chosen.includes(story)) await capture(bench, story, change)
}
await bench.good()
