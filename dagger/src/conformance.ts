import type { Container, Directory, Secret } from '@dagger.io/dagger'
import { type Check, executeCheck, type Execution, workspace } from './checks.ts'
import { API_HOST, awaitCluster, bound, cluster, standIn } from './cluster.ts'
import { imageArchives } from './sideload.ts'
import { CHECK_SOURCES } from './sources.ts'
import { SCRIPTED_MODEL } from './stack.ts'

const SUITE = 'npx vitest run --project conformance'
const ON_FRESH_CLUSTER = `${awaitCluster} && ${SUITE}`

async function onFreshCluster(source: Directory, clusterImage: string): Promise<Container> {
  const suite = await workspace(source, CHECK_SOURCES.conformance)
  const described = await cluster(clusterImage, 'conformance', (await imageArchives(source, suite, 'development')).filter({ include: ['*.tar'] }))
  const [named = clusterImage] = await standIn(clusterImage)
  return bound(suite, described)
    .withEnvVariable('CLUSTER_LABEL', named)
    .withEnvVariable('CONFORMANCE_INGRESS_URL', `http://${API_HOST}`)
}

/** The suite on a fresh cluster, as a check of `ci`. */
export function conformanceCheck(source: Directory, clusterImage: string): Check {
  return {
    name: 'conformance',
    title: 'the application in a Kubernetes cluster',
    alone: true,
    container: () => onFreshCluster(source, clusterImage),
    standIns: async () => [SCRIPTED_MODEL, ...(await standIn(clusterImage))],
    command: ON_FRESH_CLUSTER,
  }
}

/** Runs the suite now, whatever was run before: on a fresh cluster, or on the one that a kubeconfig names. */
export async function conformance(source: Directory, clusterImage: string, given?: { kubeconfig: Secret; ingressUrl?: string | undefined }): Promise<Execution> {
  const now = (container: Container): Container => container.withEnvVariable('CONFORMANCE_RUN', String(Date.now()))
  if (given === undefined) return executeCheck(now(await onFreshCluster(source, clusterImage)), ON_FRESH_CLUSTER)
  const suite = (await workspace(source, CHECK_SOURCES.conformance))
    .withMountedSecret('/run/secrets/kubeconfig', given.kubeconfig, { owner: '10001:10001', mode: 0o400 })
    .withEnvVariable('KUBECONFIG', '/run/secrets/kubeconfig')
  return executeCheck(now(given.ingressUrl ? suite.withEnvVariable('CONFORMANCE_INGRESS_URL', given.ingressUrl) : suite), SUITE)
}
