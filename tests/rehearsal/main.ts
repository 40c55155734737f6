/**
 * Rehearses the whole way of a commit to production by the workflows' own lines; see README.md. Runs in the container that `dagger call
 * rehearsal` makes, with everything around it bound as services. Exit code 0 when every step was as it should be.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connection } from '@dagger.io/dagger'
import { freshCheckout } from './calls.ts'
import { awaitCluster, type Cluster, pipelineKubeconfig } from './clusters.ts'
import { firstCommit, secondCommit } from './commits.ts'
import { type Access, ENVIRONMENTS, type EnvironmentName, FACTS, githubContexts } from './environments.ts'
import { Journal } from './journal.ts'
import { neighbours, servicesSecrets } from './neighbours.ts'
import { operate } from './operations.ts'
import { isGreen, toHtml, toText, verdictLine } from './page.ts'
import { usedByAPerson } from './people.ts'
import { refusals } from './refusals.ts'
import { startProber } from './prober.ts'
import { CI, DELIVERY, type Way, wayOf } from './way.ts'

const CHECKOUT = '/repository'
const REPORT = process.env['REPORT_DIR'] ?? '/report'
/** Names this run's clusters: two rehearsals at once share nothing. */
const RUN = process.env['RUN'] ?? 'rehearsal'
/** Checks that `ci` leaves out here; it runs them itself. */
const LEFT_OUT = (process.env['CI_SKIP'] ?? '').split(',').filter(Boolean)

const say = (text: string): void => void process.stderr.write(`${text}\n`)

const journal = new Journal(REPORT, say)
journal.page.notes.push('stand-ins: a stub of a model endpoint in the place of a language model; a test provider signs people in without a password')
if (process.env['CLUSTER_LABEL']) journal.page.notes.push(`stand-in: ${process.env['CLUSTER_LABEL']}`)
if (LEFT_OUT.length > 0) journal.page.notes.push(`left out of the workflows' ci, which runs them anyway: ${LEFT_OUT.join(', ')}`)

/** Waits for both clusters, and asks them for the pipelines' kubeconfigs. @param access filled for every environment */
async function clustersOf(access: Map<EnvironmentName, Access>): Promise<Record<EnvironmentName, Cluster>> {
  const [nonproduction, production] = await Promise.all([awaitCluster(`${RUN}-nonproduction`, say), awaitCluster(`${RUN}-production`, say)])
  const clusters = { development: nonproduction, staging: nonproduction, production }
  for (const name of ENVIRONMENTS) {
    const { address } = clusters[name]
    access.set(name, { kubeconfig: await pipelineKubeconfig(clusters[name], FACTS[name].env, CHECKOUT), origin: `${name === 'development' ? 'http' : 'https'}://${address}` })
  }
  return clusters
}

async function rehearse(): Promise<void> {
  const around = await neighbours()
  const known = new Map<EnvironmentName, Access>()
  const access = (name: EnvironmentName): Access => {
    const found = known.get(name)
    if (found === undefined) throw new Error(`${name} is asked before its cluster is ready`)
    return found
  }
  const contexts = await githubContexts(around, await servicesSecrets(), access)
  const way: Way = { checkout: CHECKOUT, contexts, leftOut: LEFT_OUT, probe: (name) => startProber(access(name).origin, FACTS[name].host, around.authority) }

  const first = await firstCommit(CHECKOUT)
  journal.page.commits.push(first)
  // The checks need no cluster.
  const [clusters, checked] = await Promise.all([clustersOf(known), wayOf(way, journal, 'first commit', first, CI)])
  const world = { ...way, clusters }
  if (!checked || !(await wayOf(world, journal, 'first commit', first, DELIVERY))) return
  await journal.step('first commit', 'a person signs in and is answered', 'the page of production, through the provider', () => usedByAPerson(access('production').origin, FACTS.production.host, around.authority))
  await freshCheckout(CHECKOUT)
  const second = await secondCommit(CHECKOUT)
  journal.page.commits.push(second)
  if (!(await wayOf(world, journal, 'second commit', second, [...CI, ...DELIVERY]))) return
  await operate(world, journal, second)
  await refusals(world, journal, second)
}

try {
  await connection(rehearse)
} catch (error) {
  await journal.step('the rehearsal itself', 'could not go on', '', () => Promise.reject(error instanceof Error ? error : new Error(String(error))))
} finally {
  const page = journal.end()
  await writeFile(join(REPORT, 'rehearsal.txt'), toText(page))
  await writeFile(join(REPORT, 'index.html'), toHtml(page))
  await writeFile(join(REPORT, 'rehearsal.json'), JSON.stringify(page, null, 2))
  process.stdout.write(await readFile(join(REPORT, 'rehearsal.txt'), 'utf8'))
  say(verdictLine(page))
  process.exitCode = isGreen(page) ? 0 : 1
}
