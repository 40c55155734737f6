/** What the cluster says about the desired objects: as they are, and as a server-side dry run would leave them. */
import pMap from 'p-map'
import type { Cluster } from './client.ts'
import { ClusterError } from '../errors.ts'
import type { Inventory } from './inventory.ts'
import { type KubeObject, type ObjectRef, type RenderedObject, keyOf, refOf } from '../release/objects.ts'

/** One desired or owned object in the cluster. */
export interface LiveState {
  /** As it is; absent when it does not exist. */
  live?: KubeObject
  /** As the dry run would leave it; absent for objects that are only owned. */
  merged?: KubeObject
  /** Why the dry run was refused. */
  refusal?: ClusterError
}

export interface Live {
  /** False until the namespace exists: nothing in it can be asked about. */
  namespaceExists: boolean
  states: ReadonlyMap<string, LiveState>
}

/** Requests at a time: enough to hide latency, few enough for a small API server. */
const CONCURRENCY = 8

/**
 * Asks about every desired object and every owned one. Changes nothing.
 * @param force dry-run as if conflicts were to be taken over
 */
export async function readLive(cluster: Cluster, namespace: string, desired: readonly RenderedObject[], inventory: Inventory, force = false): Promise<Live> {
  const namespaceExists = (await cluster.get({ apiVersion: 'v1', kind: 'Namespace', name: namespace })) !== undefined
  const states = new Map<string, LiveState>()
  const askable = (ref: ObjectRef): boolean => namespaceExists || ref.namespace === undefined
  await pMap(
    desired,
    async ({ object }) => {
      const ref = refOf(object)
      if (!askable(ref)) return
      states.set(keyOf(ref), await readOne(cluster, object, force))
    },
    { concurrency: CONCURRENCY },
  )
  const wanted = new Set(desired.map(({ object }) => keyOf(refOf(object))))
  await pMap(
    inventory.objects.filter((entry) => !wanted.has(keyOf(entry)) && askable(entry)),
    async (entry) => {
      const live = await cluster.get(entry)
      if (live !== undefined) states.set(keyOf(entry), { live })
    },
    { concurrency: CONCURRENCY },
  )
  return { namespaceExists, states }
}

async function readOne(cluster: Cluster, object: KubeObject, force: boolean): Promise<LiveState> {
  const live = await cluster.get(refOf(object)).catch(ignoreUnknownKind)
  const state: LiveState = live === undefined ? {} : { live }
  try {
    state.merged = await cluster.apply(object, { dryRun: true, force })
  } catch (error) {
    if (!(error instanceof ClusterError) || error.transient) throw error
    state.refusal = error
  }
  return state
}

/** The dry run that follows says the same, with the object's name. */
function ignoreUnknownKind(error: unknown): undefined {
  if (error instanceof ClusterError && error.code === 'unknown-kind') return undefined
  throw error
}
