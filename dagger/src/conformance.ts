import { type Container, dag, type Directory, type Secret } from '@dagger.io/dagger'
import { type Check, executeCheck, type Execution, workspace } from './checks.ts'
import { API_HOST, awaitCluster, bound, cluster, standIn } from './cluster.ts'
import { DEPLOYED } from './images.ts'
import { imageArchives } from './sideload.ts'
import { CHECK_SOURCES } from './sources.ts'
import { SCRIPTED_MODEL } from './stack.ts'

// Each test is told when it ends: these runs take minutes.
const SUITE = 'npx vitest run --project conformance --reporter=verbose'
const ON_FRESH_CLUSTER = `${awaitCluster} && ${SUITE}`
const JUNIT = '--reporter=verbose --reporter=junit --outputFile.junit=$REPORT_DIR/junit.xml'

async function onFreshCluster(source: Directory, clusterImage: string, more: (suite: Container) => Promise<Directory> = async () => dag.directory()): Promise<Container> {
  const suite = await workspace(source, CHECK_SOURCES.conformance)
  const images = (await imageArchives(source, suite, 'development')).withDirectory('.', await more(suite)).filter({ include: ['*.tar'] })
  const described = await cluster(clusterImage, 'conformance', images)
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
 */
export async function conformance(source: Directory, clusterImage: string, only: string[], given?: Given): Promise<Execution> {
  const suite = given === undefined ? await onFreshCluster(source, clusterImage) : await onGivenCluster(source, given)
  const chosen = suite.withEnvVariable('CONFORMANCE_ONLY', only.join(',')).withEnvVariable('CONFORMANCE_RUN', String(Date.now()))
  return executeCheck(chosen, given === undefined ? ON_FRESH_CLUSTER : SUITE)
}

async function onGivenCluster(source: Directory, { kubeconfig, ingressUrl = '' }: Given): Promise<Container> {
  return (await workspace(source, CHECK_SOURCES.conformance))
    .withMountedSecret('/run/secrets/kubeconfig', kubeconfig, { owner: '10001:10001', mode: 0o400 })
    .withEnvVariable('KUBECONFIG', '/run/secrets/kubeconfig')
    .withEnvVariable('CONFORMANCE_INGRESS_URL', ingressUrl)
}

/** Changes the application for the worse, once per mutation, and asks the requirement that must turn red. */
export async function mutations(source: Directory, clusterImage: string): Promise<Execution> {
  const suite = (await onFreshCluster(source, clusterImage)).withEnvVariable('MUTATIONS_RUN', String(Date.now()))
  return executeCheck(suite, `${awaitCluster} && npx vitest run --project conformance-mutations ${JUNIT}`)
}

/** Runs the fault matrix of the deployer, or the files whose names are given. */
export async function faults(source: Directory, clusterImage: string, only: string[]): Promise<Execution> {
  const wrong = only.filter((name) => !/^[a-z0-9-]+$/.test(name))
  if (wrong.length > 0) throw new Error(`no fault is named ${wrong.join(', ')}; the names are those of the files in tests/faults`)
  const suite = (await onFreshCluster(source, clusterImage)).withEnvVariable('FAULTS_RUN', String(Date.now()))
  return executeCheck(suite, `${awaitCluster} && FAULTS_LOG=$REPORT_DIR/faults.jsonl npx vitest run --project faults ${JUNIT} ${only.join(' ')}`)
}

/** Measures the deployer, and Helm beside it. */
export async function deployerBenchmark(source: Directory, clusterImage: string, sections: string[], commit: string, repetitions: number): Promise<Execution> {
  // The same content under another digest.
  const other = async (suite: Container): Promise<Directory> => {
    const archives = await imageArchives(source, suite, 'v2', (image) => image.withLabel('io.todo-chat.build', '2'))
    return DEPLOYED.reduce((folder, name) => folder.withFile(`${name}-v2.tar`, archives.file(`${name}.tar`)), dag.directory())
  }
  const suite = (await onFreshCluster(source, clusterImage, other)).withEnvVariable('COMMIT', commit).withEnvVariable('REPETITIONS', String(repetitions)).withEnvVariable('BENCHMARK_RUN', String(Date.now()))
  return executeCheck(suite.withEnvVariable('SECTIONS', sections.join(' ')), `${awaitCluster} && npx tsx tests/faults/benchmark.ts $SECTIONS`)
}
