import { type Container, dag, type Directory, type Secret } from '@dagger.io/dagger'
import { type Check, executeCheck, type Execution, workspace } from './checks.ts'
import { API_HOST, awaitCluster, bound, cluster, standIn } from './cluster.ts'
import { build, DEPLOYED } from './images.ts'
import { imageArchives } from './sideload.ts'
import { CHECK_SOURCES } from './sources.ts'
import { SCRIPTED_MODEL } from './stack.ts'

// Each test is told when it ends: a run takes minutes.
const SUITE = 'npx vitest run --project conformance --reporter=verbose'
const ON_FRESH_CLUSTER = `${awaitCluster} && ${SUITE}`

/**
 * A workspace beside a fresh cluster that has the application's images.
 * @param name of the cluster
 * @param sources what the workspace holds
 * @param more further image tarballs
 */
export async function onFreshCluster(
  source: Directory,
  clusterImage: string,
  name = 'conformance',
  sources: readonly string[] = CHECK_SOURCES.conformance,
  more = async (_workspace: Container): Promise<Directory> => dag.directory(),
): Promise<Container> {
  const suite = await workspace(source, sources)
  const images = (await imageArchives(source, suite, 'development')).withDirectory('.', await more(suite)).filter({ include: ['*.tar'] })
  const described = await cluster(clusterImage, name, images)
  const [named = clusterImage] = await standIn(clusterImage)
  return bound(suite, described)
    .withEnvVariable('CLUSTER_LABEL', named)
    .withEnvVariable('CONFORMANCE_INGRESS_URL', `http://${API_HOST}`)
    .withEnvVariable('INGRESS_URL', `http://${API_HOST}`)
}

/** The suite on a fresh cluster, as a check of `ci`. */
export function conformanceCheck(source: Directory, clusterImage: string): Check {
  return {
    name: 'conformance',
    title: 'the application in a Kubernetes cluster',
    alone: true,
    prepare: () => build(source, DEPLOYED),
    container: () => onFreshCluster(source, clusterImage),
    standIns: async () => [SCRIPTED_MODEL, ...(await standIn(clusterImage))],
    command: ON_FRESH_CLUSTER,
  }
}

/** A cluster that runs already, and where its ingress answers. */
export type Given = { kubeconfig: Secret; ingressUrl?: string | undefined }

/**
 * Runs the suite now, whatever was run before: on a fresh cluster, or on the given one.
 * @param only ids of requirements to ask (none: all)
 * @param seed a random order (empty: the usual one)
 */
export async function conformance(source: Directory, clusterImage: string, only: string[], seed: string, given?: Given): Promise<Execution> {
  const suite = given === undefined ? await onFreshCluster(source, clusterImage) : await onGivenCluster(source, given)
  const chosen = suite.withEnvVariable('CONFORMANCE_ONLY', only.join(',')).withEnvVariable('CONFORMANCE_SEED', seed).withEnvVariable('CONFORMANCE_RUN', String(Date.now()))
  return executeCheck(chosen, given === undefined ? ON_FRESH_CLUSTER : SUITE)
}

async function onGivenCluster(source: Directory, { kubeconfig, ingressUrl = '' }: Given): Promise<Container> {
  return (await workspace(source, CHECK_SOURCES.conformance))
    .withMountedSecret('/run/secrets/kubeconfig', kubeconfig, { owner: '10001:10001', mode: 0o400 })
    .withEnvVariable('KUBECONFIG', '/run/secrets/kubeconfig')
    .withEnvVariable('CONFORMANCE_INGRESS_URL', ingressUrl)
}
