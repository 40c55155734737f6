import { type Container, dag, type Directory } from '@dagger.io/dagger'
import { executeCheck, type Execution } from './checks.ts'
import { awaitCluster } from './cluster.ts'
import { onFreshCluster } from './conformance.ts'
import { DEPLOYED } from './images.ts'
import { imageArchives } from './sideload.ts'
import { CHECK_SOURCES } from './sources.ts'

// Each test is told when it ends: these runs take a quarter of an hour and more.
const TOLD = '--reporter=verbose --reporter=junit --outputFile.junit=$REPORT_DIR/junit.xml'

/** A workspace for what is never cached, beside a cluster of its own. */
async function runOn(source: Directory, clusterImage: string, name: string, more?: (workspace: Container) => Promise<Directory>): Promise<Container> {
  return (await onFreshCluster(source, clusterImage, name, CHECK_SOURCES.proofs, more)).withEnvVariable('RUN', String(Date.now()))
}

/** Changes the application for the worse, once per mutation, and asks the requirement that must turn red. */
export async function mutations(source: Directory, clusterImage: string): Promise<Execution> {
  return executeCheck(await runOn(source, clusterImage, 'mutations'), `${awaitCluster} && npx vitest run --project conformance-mutations ${TOLD}`)
}

/** Runs the fault matrix of the deployer, or the files whose names are given. */
export async function faults(source: Directory, clusterImage: string, only: string[]): Promise<Execution> {
  const wrong = only.filter((name) => !/^[a-z0-9-]+$/.test(name))
  if (wrong.length > 0) throw new Error(`no fault is named ${wrong.join(', ')}; the names are those of the files in tests/faults`)
  return executeCheck(await runOn(source, clusterImage, 'faults'), `${awaitCluster} && FAULTS_LOG=$REPORT_DIR/faults.jsonl npx vitest run --project faults ${TOLD} ${only.join(' ')}`)
}

/** Measures the deployer, and Helm beside it. */
export async function deployerBenchmark(source: Directory, clusterImage: string, sections: string[], commit: string, repetitions: number): Promise<Execution> {
  // The same content under another digest.
  const other = async (suite: Container): Promise<Directory> => {
    const archives = await imageArchives(source, suite, 'v2', (image) => image.withLabel('io.todo-chat.build', '2'))
    return DEPLOYED.reduce((folder, name) => folder.withFile(`${name}-v2.tar`, archives.file(`${name}.tar`)), dag.directory())
  }
  const bench = (await runOn(source, clusterImage, 'benchmark', other)).withEnvVariable('COMMIT', commit).withEnvVariable('REPETITIONS', String(repetitions)).withEnvVariable('SECTIONS', sections.join(' '))
  return executeCheck(bench, `${awaitCluster} && npx tsx tests/faults/benchmark.ts $SECTIONS`)
}
