import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '../../deploy/src/cluster/client.ts'
import { NAMESPACE } from './_bench.ts'

/** The API server is asked so often, in ms. */
const INTERVAL = 200

export interface ReasonWatch {
  /** When the reason was first seen, in ms since the epoch. */
  stop(): Promise<number | undefined>
}

/** Looks, beside whoever deploys, for the moment at which the cluster says why a rollout fails. */
export function watchReason(cluster: Cluster, reason: string): ReasonWatch {
  const stopped = new AbortController()
  const watching = (async () => {
    while (!stopped.signal.aborted) {
      const [pods, deployments] = await Promise.all([cluster.list({ apiVersion: 'v1', kind: 'Pod' }, NAMESPACE), cluster.list({ apiVersion: 'apps/v1', kind: 'Deployment' }, NAMESPACE)])
      if ([...pods, ...deployments].some(({ status }) => JSON.stringify(status ?? {}).includes(reason))) return Date.now()
      await sleep(INTERVAL)
    }
    return undefined
  })()
  return {
    stop() {
      stopped.abort()
      return watching
    },
  }
}
